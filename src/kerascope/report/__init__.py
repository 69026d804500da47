"""One self-contained page: what a model predicted, why, and what made the explanation."""

from kerascope.report.encode import json_for_script
from kerascope.report.page import build_report, page_of, report, write_document, write_report
from kerascope.report.sections import (
    Card,
    Comparison,
    Explanations,
    Figure,
    Gallery,
    Interval,
    Section,
    Story,
    Table,
)
from kerascope.report.structure import Structure

__all__ = [
    "Card",
    "Comparison",
    "Explanations",
    "Figure",
    "Gallery",
    "Interval",
    "Section",
    "Story",
    "Structure",
    "Table",
    "build_report",
    "json_for_script",
    "page_of",
    "report",
    "write_document",
    "write_report",
]
