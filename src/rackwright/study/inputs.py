"""What a scenario replays: its fabric, trace and options, made from its paths.

Fabrics and traces are kept, since neighbouring points share them. Changes of a topology are made in
this order: parts replaced, parts derived, links changed, what fails taken away.
"""

from __future__ import annotations

import functools
import hashlib
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rackwright import run
from rackwright.canonical import canonical_json, content_hash
from rackwright.errors import UsageError
from rackwright.models import registry
from rackwright.study.paths import Scenario, chosen, flattened
from rackwright.study.study import Study
from rackwright.study.traces import GENERATE, generated

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Prepared", "catalog_hash", "fabric_of_base", "own_parts", "prepared"]

_KEPT = 16  # fabrics, and traces, of a process
_TOPOLOGY = ("catalog", "topology", "topology.args", "replace", "device", "link", "fail")
_TRACE = ("trace", "trace.args", "limit")


class Prepared(NamedTuple):
    """Ready to be replayed; `options` in plain values, quantities as text."""

    system: str
    fabric: Any
    trace: Any
    seed: int
    options: dict[str, Any]


def own_parts(scenario: Scenario, folder: Path) -> AbstractContextManager[None]:
    """Within it the part files of the scenario's own catalog are found. Raises CatalogError."""
    from rackwright.devices import catalog

    name = scenario.get("catalog")
    return nullcontext() if name is None else catalog.beside(folder / str(name))


def catalog_hash(scenario: Scenario, folder: Path) -> str:
    """SHA-256 (hex) of those files as this process first saw them; empty without a catalog."""
    name = scenario.get("catalog")
    return "" if name is None else _files_hash(folder / str(name))


@functools.cache
def _files_hash(folder: Path) -> str:  # once a process, as the catalog reads its files
    return content_hash({file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                         for file in folder.glob("*.toml")})


def prepared(scenario: Scenario, folder: Path) -> Prepared:
    """To be called within `own_parts`. Raises what reading files, building topologies and checking
    options raise."""
    model = registry.get(str(scenario["system"]))
    options = model.options.read_settings(
        {target.field: value for target, value in chosen(scenario, "options")})
    model.options.checked(options)
    fabric = _fabric(model.name, _text(scenario, _TOPOLOGY), str(folder))
    trace = _trace(model.name, _text(scenario, _TRACE), str(folder))
    return Prepared(model.name, fabric, trace, int(scenario.get("seed", 0)), options)


def _text(scenario: Scenario, kinds: tuple[str, ...]) -> str:
    """The entries of these kinds as text, to find what was made of them before."""
    return canonical_json([[path, value] for path, value in scenario.items()
                           if any(path == kind or path.startswith(f"{kind}.") for kind in kinds)])


def _entries(text: str) -> dict[str, Any]:
    import json

    return dict(json.loads(text))


@functools.lru_cache(_KEPT)
def _trace(system: str, text: str, folder: str) -> Any:
    scenario, model = _entries(text), registry.get(system)
    name, limit = scenario.get("trace"), scenario.get("limit")
    if name is not None and name.startswith(GENERATE):
        made = generated(name, {target.field: value
                                for target, value in chosen(scenario, "trace.args")})
        return run.load_trace(model, made, limit)
    return run.load_trace(model, _found(name, folder), limit)


def _found(name: str | None, folder: str) -> str | None:
    """`name`, or its path when it is a file beside the study's."""
    path = None if name is None else Path(folder, name)
    return str(path) if path is not None and path.is_file() else name


@functools.lru_cache(_KEPT)
def _fabric(system: str, text: str, folder: str) -> Any:
    scenario = _entries(text)
    name = scenario.get("topology") or registry.get(system).sample_topology
    changes = [path for path in scenario if path not in ("catalog", "topology")]
    if not changes:
        return run.load_fabric(_found(name, folder))
    return run.load_fabric(_changed(_graph(name, scenario, folder), system, scenario))


def _graph(name: str, scenario: Scenario, folder: str) -> nx.DiGraph[Any]:
    from rackwright import topologies

    arguments = {target.field: value for target, value in chosen(scenario, "topology.args")}
    found = str(_found(name, folder))
    if not arguments:
        return topologies.resolve(found)
    preset, _, given = found.partition(":")
    if preset not in topologies.preset_names():
        raise UsageError(f"topology.args belong to presets; {name!r} is a file")
    pairs = dict(pair.split("=", 1) for pair in given.split(",") if "=" in pair)
    pairs |= {key: _plain(value) for key, value in arguments.items()}
    return topologies.preset(f"{preset}:" + ",".join(f"{key}={value}"
                                                     for key, value in pairs.items()))


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def _changed(graph: nx.DiGraph[Any], system: str, scenario: Scenario) -> nx.DiGraph[Any]:
    from rackwright import topologies

    for target, value in chosen(scenario, "replace"):
        graph = topologies.replace(graph, target.selector, value)
    for target, value in chosen(scenario, "device"):
        graph = _with_device(graph, system, target.selector, target.field, value)
    for target, value in chosen(scenario, "link"):
        graph = _with_links(graph, target.selector, target.field, value)
    for _, value in chosen(scenario, "fail"):
        for pattern in filter(None, (part.strip() for part in str(value).split(","))):
            if pattern != "none":
                graph = topologies.apply(graph, f"0s {pattern} down")
    return graph


def _with_device(graph: nx.DiGraph[Any], system: str, part: str, field: str, value: Any
                 ) -> nx.DiGraph[Any]:
    """Every node with that part, or one derived from it, gets another number."""
    from rackwright.study.parts import derived_part

    changed, made = graph.copy(), {}
    for node in changed.nodes:
        device = changed.nodes[node]["device"]
        if device.name.partition("+")[0] == part:
            if device.name not in made:
                made[device.name] = derived_part(device, field, value)
            changed.nodes[node]["device"] = made[device.name]
    if not made:
        names = sorted({data["device"].name for _, data in changed.nodes(data=True)})
        raise UsageError(f"device.{part}.{field}: no node of the topology is a {part}; its parts "
                         f"are {', '.join(names)}{_by_option(system, part)}")
    return changed


def _by_option(system: str, part: str) -> str:
    """What to do about a part that the model takes from the catalog by an option."""
    from rackwright.devices import catalog

    kind = catalog.get(part).kind
    known = catalog.names(kind)
    found = [f"options.{name}" for name, field in registry.get(system).options.model_fields.items()
             if field.default in known]
    if not found:
        return ""
    return (f". {system} takes a {kind} from the catalog by {' and '.join(found)}, which device. "
            f"does not reach: vary {found[0]} over {', '.join(known)}, or over parts of your own: "
            f"catalog = \"FOLDER\" with a file that says like = \"{part}\"")


def _with_links(graph: nx.DiGraph[Any], selector: str, field: str, value: Any
                ) -> nx.DiGraph[Any]:
    from rackwright.errors import UnknownName
    from rackwright.study.parts import changed_link
    from rackwright.topologies.builders.compose import edges_like

    changed: nx.DiGraph[Any] = graph.copy()
    every = [data for _, _, data in changed.edges(data=True)]
    kinds = {data["link"].kind for data in every}
    if "->" in selector or "=>" in selector:
        found = edges_like(changed, selector)
    elif selector in kinds:
        found = [data for data in every if data["link"].kind == selector]
    else:
        raise UnknownName("kind of link (or write edges as 'h0/gpu*->h0/nvswitch')", selector,
                          kinds)
    for data in found:
        data["link"] = changed_link(data["link"], field, value)
    return changed


def fabric_of_base(study: Study, folder: Path) -> Any:
    """The fabric of the study's base scenario. Raises as `prepared` does."""
    scenario = dict(flattened(study.base.model_dump()))
    with own_parts(scenario, folder):
        return _fabric(study.base.system, _text(scenario, _TOPOLOGY), str(folder))
