"""Linear probes: what can be read off a layer by a linear classifier."""

from kerascope.concepts.probe.front import probe
from kerascope.concepts.probe.result import Probes

__all__ = ["Probes", "probe"]
