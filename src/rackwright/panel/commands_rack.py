"""Rows of the command table: virtual time, work and its results, exports."""

from __future__ import annotations

from typing import Any

from rackwright.panel.options import OPTIONS
from rackwright.panel.scpi.arguments import Choice, Number, Text
from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.scpi.interpreter import Command, Interpreter
from rackwright.panel.scpi.message import quoted
from rackwright.panel.workload import Run
from rackwright.units import MAX_TIME

__all__ = ["RACK"]

_KINDS = ("rack",)
_PS = 1e-12
_METRICS = ("rounds", "elapsed_s", "sent_bytes", "throughput_bytes_per_s")


def _panel(session: Interpreter) -> Any:
    return session.instrument.panel


def _catalog(session: Interpreter) -> str:
    file = _panel(session).file
    return quoted(",".join([*file.workloads, *file.systems]))


def _option(session: Interpreter, name: str) -> str:
    panel = _panel(session)
    if name in panel.options:
        return quoted(panel.options[name])
    raise ScpiError(-224, f"{name} has not been set; set are: {', '.join(panel.options) or 'none'}")


def _options(session: Interpreter) -> str:
    from rackwright.models import registry

    panel = _panel(session)
    if panel.selected in panel.file.systems:
        model = registry.get(panel.file.systems[panel.selected].system)
        return quoted(",".join(model.options.model_fields))
    return quoted(",".join(OPTIONS) if panel.selected else "")


def _latest(session: Interpreter) -> Any:
    latest = _panel(session).latest
    if latest is None:
        raise ScpiError(-230, "nothing has been started; INITiate first")
    return latest


def _metrics(session: Interpreter) -> dict[str, float]:
    """Results by name, the headline of a system first; what is stepped shows them as it goes."""
    latest = _latest(session)
    if isinstance(latest, Run):
        latest.rack.settle()
        elapsed, sent = latest.elapsed_ps() * _PS, latest.sent()
        rate = sent / elapsed if elapsed else 0.0
        return dict(zip(_METRICS, (float(latest.rounds), elapsed, sent, rate), strict=True))
    found = latest.result
    if found is None:
        raise ScpiError(*((-200, str(latest.error)) if latest.done else
                          (-230, "this replay shows results at its end; wait for *OPC?")))
    first = [name for name in found.headline if name in found.metrics]
    return {name: found.metrics[name]
            for name in [*first, *(other for other in found.metrics if other not in first)]}


def _values(session: Interpreter) -> list[float]:
    return list(_metrics(session).values())


def _names(session: Interpreter) -> str:
    return quoted(",".join(_metrics(session)))


def _metric(session: Interpreter, name: str) -> float:
    found = _metrics(session)
    if name not in found:
        raise ScpiError(-224, f"metric {name!r}; {', '.join(found)}")
    return found[name]


def _json(session: Interpreter) -> bytes:
    from rackwright.canonical import canonical_json

    latest = _latest(session)
    if isinstance(latest, Run):
        return canonical_json({"workload": latest.work.name, "metrics": _metrics(session)}).encode()
    _metrics(session)  # says why there is no result
    return str(latest.result.to_json()).encode()


def _progress(session: Interpreter) -> float:
    latest = _latest(session)
    if latest.done:
        return 1.0
    if isinstance(latest, Run):
        return latest.rounds / latest.work.rounds if latest.work.rounds else (
            latest.elapsed_ps() * _PS / latest.work.duration if latest.work.duration else 0.0)
    return float(latest.done_share)


def _timeline(session: Interpreter) -> bytes:
    from rackwright.report import timeline_bytes

    rack = session.instrument.rack
    return timeline_bytes(rack.log.spans(rack.now_ps))


def _nvml(session: Interpreter) -> bytes:
    from rackwright.topologies import export

    return export(session.instrument.rack.fabric.graph, "nvml-mock")[0].encode()


RACK: tuple[Command, ...] = (
    Command("SYSTem:TIME", "Virtual time since the start.",
            ask=lambda session: session.instrument.rack.now_ps * _PS, unit="s"),
    Command("SYSTem:TIME:STEP", "Let virtual time run on; ends when it has.",
            act=lambda session, time: session.instrument.rack.pace.step(time),
            act_takes=(Number("time", "time", lambda _: (0.0, MAX_TIME, 1e-3)),)),
    Command("SYSTem:TIME:MODE", "STEP: time moves when it is stepped or waited for (*OPC?, *WAI). "
            "FREE: a command that starts something is over when it is. REALtime: time runs as the "
            "clock on the wall.", act_takes=(Choice("mode", ("STEP", "FREE", "REALtime")),),
            act=lambda session, mode: session.instrument.rack.pace.set_mode(mode),
            ask=lambda session: session.instrument.rack.pace.mode),
    Command("SOURce:WORKload:CATalog", "Names of the work in the rack file.", ask=_catalog,
            kinds=_KINDS),
    Command("SOURce:WORKload:SELect", "What INITiate starts.",
            act=lambda session, name: _panel(session).select(name), act_takes=(Text("name"),),
            ask=lambda session: quoted(_panel(session).selected), kinds=_KINDS),
    Command("SOURce:WORKload:OPTion", "Change an option of what is selected; quantities as text "
            "with a unit.", act=lambda session, name, value: _panel(session).set_option(
                name, value), act_takes=(Text("option"), Text("value")),
            ask=_option, ask_takes=(Text("option"),), kinds=_KINDS),
    Command("SOURce:WORKload:OPTion:CATalog", "Options of what is selected.", ask=_options,
            kinds=_KINDS),
    Command("INITiate[:IMMediate]", "Start what is selected, as an overlapped operation unless it "
            "is endless.", act=lambda session: _panel(session).initiate(), kinds=_KINDS),
    Command("ABORt", "Stop it; what is done is kept.",
            act=lambda session: _panel(session).abort(), kinds=_KINDS),
    Command("FETCh", "Results, in the order of FETCh:NAMes?.", ask=_values, kinds=_KINDS),
    Command("FETCh:NAMes", "Names of the results, units included.", ask=_names, kinds=_KINDS),
    Command("FETCh:METRic", "One result.", ask=_metric, ask_takes=(Text("name"),), kinds=_KINDS),
    Command("FETCh:JSON", "Results as JSON, in a block; of a system: the whole result.", ask=_json,
            kinds=_KINDS),
    Command("FETCh:PROGress", "How much of it is done, 0 to 1.", ask=_progress, kinds=_KINDS),
    Command("FETCh:TIMeline", "What happened when, as gzipped Chrome trace JSON in a block.",
            ask=_timeline, kinds=_KINDS),
    Command("MMEMory:EXPort:NVML", "The first host as an nvml-mock profile (YAML), in a block.",
            ask=_nvml, kinds=_KINDS),
    Command("INSTrument:CATalog", "Names of the instruments of this rack.",
            ask=lambda session: quoted(",".join(_panel(session).instruments)), kinds=_KINDS),
)
