"""The tables of measurements: their columns, what a cell may hold, and what makes a group.

A row is one measured point: `set`, the columns that say what was measured, then values. Times are
medians in microseconds; `spread` is (p90 - p10) / median over the `samples` of a point. A group
(all rows of one weight shape, say) belongs to one set as a whole; see `sets`.

Leaves out: how anything is measured (`measure_*`), which points there are (`plan`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SETS", "TABLES", "Point", "Table", "Value", "tables_of"]

Value = int | str
SETS = ("fit", "held")
TIMES = ("time_us", "spread", "samples")
WATTS = ("watts", "sm_mhz", "memory_mhz", "celsius", "samples")
WORKS = ("copy", "gemm", "norm", "resnet50")


@dataclass(frozen=True)
class Table:
    """One kind of measurement.

    `keys`: columns that say what was measured, each with its allowed words, or () for a whole
    number >= 0. `group`: keys whose rows stay in one set; none: every row is for fitting.
    `stratum`: keys within which the share of held groups is kept. `values`: measured columns.
    `seconds`: what a point takes, set-up included, in seconds (measured on one H100, rounded up).
    `command`: the command of ``rackwright calibrate`` that measures it; all but "gpu" need several
    GPUs of one host for most of their points.
    """

    name: str
    keys: Mapping[str, tuple[str, ...]]
    group: tuple[str, ...] = ()
    stratum: tuple[str, ...] = ()
    values: tuple[str, ...] = TIMES
    seconds: float = 0.1
    command: str = "gpu"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns, in the order of a file."""
        return ("set", *self.keys, *self.values)


@dataclass(frozen=True)
class Point:
    """Something to measure: its table, the values of the table's keys, its set."""

    table: str
    values: tuple[Value, ...]
    set: str = "fit"

    def __getitem__(self, key: str) -> Value:
        return self.values[list(TABLES[self.table].keys).index(key)]

    def number(self, key: str) -> int:
        """The value of a key that holds whole numbers."""
        value = self[key]
        if not isinstance(value, int):
            raise TypeError(f"{self.table}: {key} holds words")
        return value

    def numbers(self) -> tuple[int, ...]:
        """All values that are whole numbers, in order."""
        return tuple(value for value in self.values if isinstance(value, int))

    def __str__(self) -> str:
        named = zip(TABLES[self.table].keys, self.values, strict=True)
        return f"{self.table} " + " ".join(f"{key}={value}" for key, value in named)


_ALL = (
    Table("launch", {"kind": ("eager_back_to_back", "graph_node", "launch_and_sync")},
          seconds=0.3),
    Table("memory", {"op": ("copy", "scale_inplace", "fill"), "residence": ("warm", "cold"),
                     "bytes": ()}, ("bytes",)),
    Table("pieces", {"op": ("add", "gelu", "layer_norm", "relu", "rms_norm", "silu_mul",
                            "softmax"), "tokens": (), "dim": ()}, ("op", "dim"), ("op",)),
    Table("attention", {"phase": ("prefill", "extend", "decode"), "causal": ("yes", "no"),
                        "cache": ("warm", "cold"), "batch": (), "heads": (), "kv_heads": (),
                        "head_dim": (), "q_len": (), "kv_len": ()},
          ("heads", "kv_heads", "head_dim"), seconds=0.2),
    Table("gemm", {"dtype": ("bf16", "fp16", "fp8", "int8", "tf32"),
                   "layout": ("linear", "plain"), "m": (), "n": (), "k": ()}, ("n", "k")),
    Table("expert", {"hidden": (), "ffn": (), "tokens": ()}, ("hidden", "ffn")),
    Table("grouped", {"skew": ("even", "zipf"), "experts": (), "n": (), "k": (), "rows": ()},
          ("experts", "n", "k")),
    Table("conv", {"direction": ("forward", "backward_input", "backward_weight"), "batch": (),
                   "in_channels": (), "out_channels": (), "size": (), "kernel": (),
                   "stride": ()},
          ("in_channels", "out_channels", "size", "kernel", "stride")),
    Table("pcie", {"direction": ("h2d", "d2h", "both"), "host_memory": ("pinned", "pageable"),
                   "bytes": ()}, ("bytes",), seconds=0.15),
    Table("streams", {"priority": ("alone", "equal", "high"), "first": WORKS, "first_size": (),
                      "second": (*WORKS, "none"), "second_size": ()},
          ("first", "first_size", "second", "second_size"),
          values=(*TIMES, "second_us", "second_samples"), seconds=1.0),
    Table("power", {"load": ("idle", "copy", "decode", "gemm_bf16", "gemm_fp8", "prefill")},
          values=WATTS, seconds=5.0),
    Table("collectives", {"op": ("all_reduce", "all_gather", "reduce_scatter", "all_to_all",
                                 "broadcast", "reduce"),
                          "launch": ("graph", "eager"), "gpus": (), "bytes": ()},
          ("op", "bytes"), ("op",), seconds=0.15, command="collectives"),
    Table("p2p", {"pattern": ("single", "bidirectional", "incast", "outcast", "pairs", "ring"),
                  "gpus": (), "world": (), "bytes": ()}, ("pattern", "bytes"), ("pattern",),
          seconds=0.15, command="nvlink"),
    Table("pcie_multi", {"direction": ("h2d", "d2h", "both"), "gpus": (), "bytes": ()},
          ("direction", "bytes"), ("direction",), seconds=0.15, command="pcie"),
)
TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}
"""By name, in the order of measuring."""


def tables_of(command: str) -> tuple[str, ...]:
    """The tables that ``rackwright calibrate <command>`` measures.

    >>> tables_of("nvlink")
    ('p2p',)
    """
    return tuple(table.name for table in _ALL if table.command == command)
