"""Kernels as pictures and numbers, and what units do over data."""

from kerascope.inside.filters.activity import Activity
from kerascope.inside.filters.kernels import KernelStatistics
from kerascope.inside.filters.result import Filters, filters

__all__ = ["Activity", "Filters", "KernelStatistics", "filters"]
