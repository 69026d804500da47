"""How far each explanation can be trusted: what is measured, and the grade that it makes."""

from kerascope.grading.checks import MOST_PASSES
from kerascope.grading.grades import graded

__all__ = ["MOST_PASSES", "graded"]
