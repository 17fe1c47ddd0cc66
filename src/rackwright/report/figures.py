"""Figures for people: a metric's value in a fitting unit, read off the end of its name.

The end of a metric's name is its unit (`itl_mean_s`, `throughput_tokens_per_s`). A name with no
known end is shown as a plain number.
"""

from __future__ import annotations

from rackwright import units

__all__ = ["count", "percent", "ratio", "title", "value"]

_FORMATS = {
    "bytes_per_s": units.format_bandwidth, "bps": units.format_rate, "bytes": units.format_bytes,
    "s": units.format_time, "j": units.format_energy, "w": units.format_power,
    "hz": units.format_frequency, "usd": units.format_money,
}
_ENDS = ("share", "utilisation", "bps", "bytes", "usd", "hz", "s", "j", "w")
_SHORT = {"tokens": "tok", "token": "tok", "requests": "req", "request": "req",
          "operations": "op", "operation": "op"}


def title(metric: str) -> str:
    """`metric` without its unit, in words.

    >>> title("throughput_tokens_per_s"), title("itl_p99_s"), title("link_busy_share")
    ('throughput', 'itl p99', 'link busy')
    """
    return _parts(metric)[0].replace("_", " ")


def value(metric: str, number: float) -> str:
    """`number` with the unit of `metric`, four significant digits.

    >>> value("throughput_tokens_per_s", 34804.2), value("energy_per_token_j", 0.1034)
    ('34.8k tok/s', '103.4 mJ')
    """
    unit = _parts(metric)[1]
    if unit in ("share", "utilisation"):
        return percent(number)
    if unit in _FORMATS:
        return _FORMATS[unit](number)
    if "_per_" in unit:
        above, below = unit.split("_per_", 1)
        each = "/".join(_SHORT.get(word, word) for word in below.split("_per_"))
        if above in _FORMATS:
            return f"{_FORMATS[above](number)}/{each}"
        return f"{count(number)} {_SHORT.get(above, above)}/{each}"
    return count(number)


def count(number: float) -> str:
    """Three or four digits, with k, M or G.

    >>> count(12), count(34804.2), count(0.25)
    ('12', '34.8k', '0.25')
    """
    size = abs(number)
    for limit, factor, unit in ((1e4, 1.0, ""), (1e6, 1e3, "k"), (1e9, 1e6, "M")):
        if size < limit:
            return f"{number / factor:.{4 if factor == 1.0 else 3}g}{unit}"
    return f"{number / 1e9:.4g}G"


def percent(share: float) -> str:
    """A share 0..1 as a percentage.

    >>> percent(0.973), percent(0.004)
    ('97 %', '0.4 %')
    """
    return f"{100 * share:.0f} %" if share == 0 or abs(share) >= 0.0995 else f"{100 * share:.1f} %"


def ratio(above: float | None, below: float | None) -> str:
    """`above` / `below` as a factor; "-" where it has no value.

    >>> ratio(3.0, 2.0), ratio(1.0, 0.0)
    ('1.50x', '-')
    """
    if above is None or below is None or below == 0:
        return "-"
    factor = above / below
    return f"{factor:.2f}x" if abs(factor) < 100 else f"{factor:.0f}x"


_QUALIFIERS = ("steady", "middle", "mean")


def _parts(metric: str) -> tuple[str, str]:
    """(name, unit) of a metric."""
    if metric.endswith("_bytes_per_s"):
        return metric.removesuffix("_bytes_per_s"), "bytes_per_s"
    for end in _ENDS:
        if metric.endswith(f"_{end}") and not metric.endswith(f"_per_{end}"):
            return metric.removesuffix(f"_{end}"), end
    head, per, below = metric.partition("_per_")
    if not per:
        return metric, ""
    name, _, above = head.rpartition("_")
    if above in _QUALIFIERS:  # what is counted stands before it
        return head, f"{name.rpartition('_')[2]}_per_{below}"
    return name or head, f"{above}_per_{below}"
