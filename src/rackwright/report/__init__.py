"""Reports: results as text, as HTML for notebooks, and as a timeline for trace viewers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rackwright.report.comparison import Comparison, compare
    from rackwright.report.text import side_by_side, summary
    from rackwright.report.timeline import timeline_bytes, write_timeline

__all__ = [
    "Comparison",
    "compare",
    "side_by_side",
    "summary",
    "timeline_bytes",
    "write_timeline",
]

_LAZY = {"Comparison": "comparison", "compare": "comparison", "side_by_side": "text",
         "summary": "text", "timeline_bytes": "timeline", "write_timeline": "timeline"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
