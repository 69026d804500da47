"""What a model is made of: every layer call with its shape, parameters, reach and work."""

from kerascope.inside.architecture.result import Architecture, Row
from kerascope.inside.architecture.table import architecture

__all__ = ["Architecture", "Row", "architecture"]
