"""Whether a study can be what its file says: names, paths and values, before anything runs.

Gives every fault with the place in the file that it stands at. What needs a graph to be built (a
pattern that names no node, say) is found when the points are planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rackwright.errors import RackwrightError, UnknownName, UsageError
from rackwright.models import registry
from rackwright.study.expressions import FUNCTIONS, Expression
from rackwright.study.paths import Target, parse
from rackwright.study.settings import Place, settings
from rackwright.study.study import MOST_POINTS, Study
from rackwright.study.traces import GENERATE, check_generator

__all__ = ["Fault", "faults"]

_TAKEN = ("point", "bottleneck", "hash", "error", "ratio", "change", "reference", *FUNCTIONS)


class Fault(NamedTuple):
    """What is wrong, and where: the path of a key in the file."""

    place: Place
    text: str


def faults(study: Study, folder: Path) -> Iterator[Fault]:
    """Everything that is wrong; `folder`: what file names are relative to."""
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
    for number, plot in enumerate(study.plot):
        if plot.by and plot.by not in study.columns:
            yield Fault(("plot", number, "by"), str(UnknownName("axis", plot.by, study.columns)))


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
            _CHECKS.get(target.kind, _nothing)(study, target, value, folder)
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


def _nothing(_study: Study, _target: Target, _value: Any, _folder: Path) -> None:
    return None


def _seed(_study: Study, target: Target, value: Any, _folder: Path) -> None:
    least, most = (1, 2**62) if target.kind == "limit" else (0, 2**31 - 1)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"{target.kind} is {value!r}; it must be a whole number from {least}")


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(f"{what} is {value!r}; it must be text in quotes")
    return value


def _topology(_study: Study, _target: Target, value: Any, folder: Path) -> None:
    from rackwright import topologies

    name = _text(value, "topology").partition(":")[0].strip()
    if name in topologies.preset_names():
        allowed = topologies.preset_arguments(name)
        for pair in filter(None, value.partition(":")[2].split(",")):
            key = pair.partition("=")[0].strip()
            if key not in allowed:
                raise UnknownName(f"argument of topology {name!r}:", key, allowed)
    elif not (folder / value).is_file():
        raise UnknownName(f"topology (no preset, and no file of that name in {folder})", value,
                          topologies.preset_names())


def _topology_argument(study: Study, target: Target, _value: Any, _folder: Path) -> None:
    from rackwright import topologies

    presets = {str(value).partition(":")[0] for _, path, value in settings(study)
               if path == "topology"}
    known = [name for name in presets if name in topologies.preset_names()]
    allowed = {key for name in known for key in topologies.preset_arguments(name)}
    if known and target.field not in allowed:
        raise UnknownName(f"argument of topology {', '.join(sorted(known))}:", target.field,
                          allowed)


def _trace(_study: Study, _target: Target, value: Any, folder: Path) -> None:
    from rackwright import traces

    name = _text(value, "trace")
    if name.startswith(GENERATE):
        check_generator(name)
    elif name not in traces.sample_names() and not (folder / name).is_file():
        raise UnknownName(f"trace (none is packaged, and no file of that name in {folder})", name,
                          traces.sample_names())


def _trace_argument(study: Study, target: Target, _value: Any, _folder: Path) -> None:
    kinds = [str(value) for _, path, value in settings(study)
             if path == "trace" and str(value).startswith(GENERATE)]
    if not kinds:
        raise UsageError(f"trace.args.{target.field} needs a trace that is generated: "
                         'trace = "generate:requests"')
    for kind in kinds:
        check_generator(kind, target.field)


def _part(_study: Study, target: Target, value: Any, _folder: Path) -> None:
    from rackwright.devices import catalog
    from rackwright.study.parts import check_field

    if target.kind == "device":
        check_field(target.selector, target.field, value)
    elif _text(value, "a part") not in catalog.names():
        raise UnknownName("part", value, catalog.names())


def _link(_study: Study, target: Target, value: Any, _folder: Path) -> None:
    from rackwright.study.parts import link_change

    link_change(target.field, value)


_CHECKS: Mapping[str, Any] = {
    "seed": _seed, "limit": _seed, "topology": _topology, "topology.args": _topology_argument,
    "trace": _trace, "trace.args": _trace_argument, "device": _part, "replace": _part,
    "link": _link}
