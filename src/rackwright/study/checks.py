"""Whether a study can be what its file says: names, paths and values, before anything runs.

Gives every fault with the place in the file that it stands at. What needs a graph to be built (a
pattern that names no node, say) is found when the points are planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rackwright.errors import RackwrightError, UnknownName
from rackwright.models import registry
from rackwright.study.expressions import FUNCTIONS, Expression
from rackwright.study.inputs import own_parts
from rackwright.study.path_checks import check_path
from rackwright.study.paths import Target, parse
from rackwright.study.settings import Place, settings
from rackwright.study.study import MOST_POINTS, Study

__all__ = ["Fault", "faults"]

_TAKEN = ("point", "bottleneck", "hash", "error", "ratio", "change", "reference", *FUNCTIONS)


class Fault(NamedTuple):
    """What is wrong, and where: the path of a key in the file."""

    place: Place
    text: str


def faults(study: Study, folder: Path) -> Iterator[Fault]:
    """Everything that is wrong; `folder`: what file names are relative to."""
    if study.base.catalog is not None and not (folder / study.base.catalog).is_dir():
        yield Fault(("base", "catalog"), f"{study.base.catalog!r} is no folder in {folder}; put "
                    "part files (NAME.toml) into one")
        return
    with own_parts({"catalog": study.base.catalog}, folder):
        yield from _faults(study, folder)


def _faults(study: Study, folder: Path) -> Iterator[Fault]:
    yield from _axes(study)
    yield from _names(study)
    yield from _expressions(study)
    known = {name: place for place, name in _systems(study) if name in registry.names()}
    for place, name in _systems(study):
        if name not in registry.names():
            yield Fault(place, str(UnknownName("system", name, registry.names())))
    if known:
        models = [registry.get(name) for name in known]
        yield from _baselines(study, models)
        for place, path, value in settings(study):
            yield from (Fault(place, text) for text in _wrong(study, path, value, models, folder))


def _axes(study: Study) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for number, axis in enumerate(study.axis):
        if axis.column in seen:
            yield Fault(("axis", number), f"axis {number + 1} is called {axis.column!r} like axis "
                        f"{seen[axis.column] + 1}; give it a name")
        seen.setdefault(axis.column, number)
    lengths = [len(axis.settings) for axis in study.axis]
    if study.combine == "zip" and len(set(lengths)) > 1:
        yield Fault(("combine",), "zip takes the axes value by value; they have "
                    f"{', '.join(map(str, lengths))} values")
    if (study.sample is None) == (study.combine == "sample"):
        yield Fault(("combine",), 'combine = "sample" and sample = N belong together')
    if study.count > MOST_POINTS:
        yield Fault(("axis",), f"{study.count:,} points; at most {MOST_POINTS:,} are allowed: "
                    'draw some with combine = "sample"')


def _names(study: Study) -> Iterator[Fault]:
    for name in study.derived:
        if not name.isidentifier() or name in (*_TAKEN, *study.columns, *study.baselines):
            yield Fault(("derived", name), f"{name!r} cannot name a derived metric: a word of "
                        "letters, digits and _ that nothing else is called")
    for number, axis in enumerate(study.axis):
        if axis.column in _TAKEN:
            yield Fault(("axis", number), f"axis {axis.column!r} has a name that is taken; give it "
                        "another name = \"...\"")
    for name, value in study.reference.items():
        known = {axis.column: [shown for shown, _ in axis.settings] for axis in study.axis}
        if name not in known:
            yield Fault(("reference", name), str(UnknownName("axis", name, known)))
        elif value not in known[name]:
            yield Fault(("reference", name), f"axis {name} has no value {value!r}; it has "
                        f"{', '.join(map(str, known[name][:20]))}")
    if study.search is not None:
        yield from _search(study)
    for number, knee in enumerate(study.knee):
        if knee.x not in study.columns:
            yield Fault(("knee", number, "x"), str(UnknownName("axis", knee.x, study.columns)))
    for number, plot in enumerate(study.plot):
        if plot.by and plot.by not in study.columns:
            yield Fault(("plot", number, "by"), str(UnknownName("axis", plot.by, study.columns)))


def _search(study: Study) -> Iterator[Fault]:
    assert study.search is not None
    name, path = study.search.column, study.search.path
    if not name.isidentifier() or name in (*_TAKEN, *study.columns, *study.baselines,
                                           *study.derived):
        yield Fault(("search",), f"{name!r} cannot name what is searched for; give it another "
                    'name = "..."')
    if any(path in changes for axis in study.axis for _, changes in axis.settings):
        yield Fault(("search", "path"), f"{path} is an axis too; search for it or vary it")
    try:
        names = Expression.read(study.search.that).names
    except RackwrightError as problem:
        yield Fault(("search", "that"), str(problem))
        return
    for dotted in names:
        if len(dotted) > 1:
            yield Fault(("search", "that"), f"{'.'.join(dotted)} compares replays; what is "
                        "searched for must hold of each replay alone")


def _expressions(study: Study) -> Iterator[Fault]:
    texts: list[tuple[Place, str]] = [(("derived", name), text)
                                      for name, text in study.derived.items()]
    for number, expect in enumerate(study.expect):
        texts.append((("expect", number, "that"), expect.that))
        if expect.where:
            texts.append((("expect", number, "where"), expect.where))
    for place, text in texts:
        try:
            names = Expression.read(text).names
        except RackwrightError as problem:
            yield Fault(place, str(problem))
            continue
        yield from (Fault(place, reason) for reason in _dotted(study, names))


def _dotted(study: Study, names: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """What is wrong with names of several parts; metrics are not known yet."""
    for name in names:
        if name[0] == "reference" or name[1:] == ("change",):
            if not study.reference:
                yield f"{'.'.join(name)} needs points to compare with: [reference]"
        elif "ratio" in name[1:2]:
            if not study.baselines:
                yield f"{'.'.join(name)} needs a baseline: baselines = [...]"
            elif name[2:] and name[2] not in study.baselines:
                yield str(UnknownName("baseline of this study", name[2], study.baselines))
        elif len(name) > 1 and name[0] not in study.baselines:
            yield str(UnknownName("baseline of this study", name[0], study.baselines))


def _systems(study: Study) -> Iterator[tuple[Place, str]]:
    yield ("base", "system"), study.base.system
    for place, path, value in settings(study):
        if path == "system" and place[0] != "base":
            yield place, str(value)


def _baselines(study: Study, models: Sequence[registry.Model]) -> Iterator[Fault]:
    for number, name in enumerate(study.baselines):
        for model in models:
            if name not in model.baselines:
                yield Fault(("baselines", number),
                            str(UnknownName(f"baseline of {model.name}", name, model.baselines)))


def _wrong(study: Study, path: str, value: Any, models: Sequence[registry.Model], folder: Path
           ) -> Iterator[str]:
    try:
        target = parse(path)
        if target.kind == "options":
            _option(target, value, models)
        else:
            check_path(study, target, value, folder)
    except RackwrightError as problem:
        yield str(problem)


def _option(target: Target, value: Any, models: Sequence[registry.Model]) -> None:
    """An option must be known to a system of the study; where there is one, its value too."""
    if len(models) == 1:
        options = models[0].options
        options.checked(options.read_settings({target.field: value}))
    elif not any(target.field in model.options.model_fields for model in models):
        raise UnknownName("option", target.field,
                          {name for model in models for name in model.options.model_fields})
