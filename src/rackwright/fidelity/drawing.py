"""Predicted against measured as a picture: one panel an operation, one colour a column.

Logarithmic axes, the line of no error with a band of 10 % on either side, medians in the titles.
PNG or SVG, by the file's ending; the same assessment gives the same bytes under one version of
matplotlib (an optional extra).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rackwright.errors import InputError, MissingTool, UsageError
from rackwright.fidelity.assessment import HELD, Assessment
from rackwright.fidelity.compare import Series
from rackwright.fidelity.listing import percent

__all__ = ["check_target", "plot"]

BAND = 0.10
ACROSS = 6      # panels in a row, at most
INCHES = 2.4    # a panel with its labels
EDGE = 0.7      # around all panels
ENDINGS = {".png": "png", ".svg": "svg"}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000")
MARKERS = ("o", "x", "+", "s", "^", "v", "D", "*")  # told apart without colours, too
SETTINGS = {"svg.hashsalt": "rackwright", "font.size": 7.0, "axes.titlesize": 7.0,
            "svg.fonttype": "none", "path.simplify": False}


def check_target(path: Path) -> None:
    """Raises `UsageError` for another ending, `MissingTool` without matplotlib, before any work."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"--plot writes {' or '.join(ENDINGS)}, not {path.name!r}")
    _matplotlib()


def plot(found: Assessment, path: Path, *, everything: bool = False) -> None:
    """Draw the held points (`everything`: fitted ones too) of operations with a model.

    Raises `InputError` when there is no such point, or the file cannot be written.
    """
    matplotlib = _matplotlib()
    panels = _panels(found, everything)
    if not panels:
        raise InputError("no point to draw: none is held out of the fits and predicted")
    with matplotlib.rc_context(SETTINGS):
        figure = _figure(matplotlib, found, panels)
        try:
            figure.savefig(path, format=ENDINGS[path.suffix.lower()], dpi=110,
                           metadata={"Date": None} if path.suffix.lower() == ".svg" else
                           {"Software": None})
        except OSError as problem:
            raise InputError(f"cannot be written: {problem.strerror or problem}",
                             place=path) from None


def _matplotlib() -> Any:
    try:
        import matplotlib
        import matplotlib.figure
        import matplotlib.lines
        import matplotlib.ticker
    except ModuleNotFoundError:
        raise MissingTool("drawing needs matplotlib, which is not installed: "
                          "pip install rackwright[plot]") from None
    return matplotlib


def _panels(found: Assessment, everything: bool) -> dict[str, list[Series]]:
    """Operation -> its series, those of a column beside each other."""
    panels: dict[str, list[Series]] = {}
    for one in found.points:
        if (everything or one.set == HELD) and not np.isnan(one.predicted).all():
            panels.setdefault(one.operation, []).append(one)
    return panels


def _figure(matplotlib: Any, found: Assessment, panels: dict[str, list[Series]]) -> Any:
    across = min(ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    wide, high = INCHES * across + 2 * EDGE, INCHES * down + 2 * EDGE
    figure = matplotlib.figure.Figure(figsize=(max(wide, 4.0), high))
    figure.subplots_adjust(EDGE / wide, EDGE / high, 1 - EDGE / 2 / wide, 1 - EDGE / high,
                           wspace=0.28, hspace=0.42)
    names = [column.name for column in found.columns]
    for place, (operation, members) in enumerate(panels.items()):
        axes = figure.add_subplot(down, across, place + 1)
        _panel(matplotlib, axes, operation, members, names)
    handles = [matplotlib.lines.Line2D([], [], label=name, **_look(i), markersize=4)
               for i, name in enumerate(names)]
    figure.legend(handles=handles, loc="upper center", ncols=len(names), frameon=False)
    figure.text(0.5, EDGE / 4 / high, "measured (us; power in W)", ha="center")
    figure.text(EDGE / 4 / wide, 0.5, f"predicted; the grey band is {BAND:.0%} either way",
                va="center", rotation=90)
    return figure


def _look(i: int) -> dict[str, Any]:
    return {"linestyle": "", "marker": MARKERS[i % len(MARKERS)],
            "color": COLOURS[i % len(COLOURS)], "markeredgewidth": 0.6, "fillstyle": "none"}


def _panel(matplotlib: Any, axes: Any, operation: str, members: Sequence[Series],
           names: Sequence[str]) -> None:
    low, high = math.inf, 0.0
    medians: dict[str, str] = {}
    for one in members:
        seen = ~np.isnan(one.predicted) & (one.predicted > 0)
        unit = 1.0 if one.table == "power" else 1e6
        measured, predicted = one.measured[seen] * unit, one.predicted[seen] * unit
        axes.plot(measured, predicted, **_look(names.index(one.column)), markersize=3)
        low = min(low, measured.min(initial=low), predicted.min(initial=low))
        high = max(high, measured.max(initial=high), predicted.max(initial=high))
        if one.set == HELD:
            medians[one.column] = percent(float(np.nanmedian(np.abs(one.errors))))
    ends = np.array([low / 1.3, high * 1.3])
    axes.fill_between(ends, ends * (1 - BAND), ends * (1 + BAND), color="0.85", linewidth=0)
    axes.plot(ends, ends, color="0.5", linewidth=0.6)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, box_aspect=1)
    for axis in (axes.xaxis, axes.yaxis):
        _ticks(matplotlib, axis, high / low)
    said = " | ".join(medians.get(name, "-") for name in names)
    axes.set_title(f"{operation}\nmedian error, %: {said}")


def _ticks(matplotlib: Any, axis: Any, span: float) -> None:
    """Plain numbers at the decades; at 1, 2, 5 where there are few of these."""
    subs = (1.0,) if span > 100 else (1.0, 2.0, 5.0)
    axis.set_major_locator(matplotlib.ticker.LogLocator(subs=subs, numticks=8))
    axis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axis.set_minor_locator(matplotlib.ticker.NullLocator())
