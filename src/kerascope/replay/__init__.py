"""Make an explanation again from what its file says, and tell what came out otherwise."""

from kerascope.replay.again import replay
from kerascope.replay.result import Replay, Replayed

__all__ = ["Replay", "Replayed", "replay"]
