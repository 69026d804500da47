"""Engines: where the parts of a long job are worked on."""

from kerascope.engines.base import Engine, Job
from kerascope.engines.local import Local
from kerascope.engines.ray import Ray

__all__ = ["Engine", "Job", "Local", "Ray"]
