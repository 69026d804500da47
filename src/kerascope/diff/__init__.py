"""Did the new model look elsewhere? Two models on the same samples, map against map."""

from kerascope.diff.front import Diff, diff

__all__ = ["Diff", "diff"]
