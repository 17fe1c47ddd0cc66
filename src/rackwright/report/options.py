"""The options and baselines of a model, for ``--options``."""

from __future__ import annotations

from typing import Any

from rackwright.models.options import describe
from rackwright.models.registry import Model
from rackwright.report.table import WIDTH, paragraph

__all__ = ["heading", "options_record", "options_text"]


def heading(model: Model) -> str:
    """Name and title, once when the title begins with the name."""
    said = model.title.lower().startswith(model.name.lower())
    return model.title if said else f"{model.name}: {model.title}"


def options_record(model: Model) -> dict[str, Any]:
    """Plain values, for JSON."""
    return {"system": model.name, "title": model.title,
            "options": [row._asdict() for row in describe(model.options)],
            "baselines": {name: {key: str(value) for key, value in changed.items()}
                          for name, changed in model.baselines.items()}}


def options_text(model: Model, width: int = WIDTH) -> str:
    """Two lines an option: its default and what may be written, what it is; then the baselines."""
    lines = [f"{heading(model)}\n", "\noptions (--set NAME=VALUE)\n"]
    for row in describe(model.options):
        counts = f", in {row.unit}" if row.unit not in ("", "1") and "unit" not in row.allowed \
            else ""
        lines.append(f"  {row.name} = {row.default}    [{row.allowed}{counts}]\n")
        lines.append(paragraph("", row.description, 6, width))
    lines.append("\nbaselines (--baseline=NAME,...)\n")
    indent = max((len(name) for name in model.baselines), default=0) + 4
    for name, changed in model.baselines.items():
        settings = ", ".join(f"{key}={value}" for key, value in changed.items())
        lines.append(paragraph(f"  {name}", settings or "(same options)", indent, width))
    return "".join(lines)
