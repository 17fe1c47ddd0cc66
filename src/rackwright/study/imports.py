"""Which modules of the package a module may run: the closure of its imports, read from the sources.

Read, not run: every import statement counts, wherever it stands, those for type checkers too. A
module brings the packages that it lies in. One that imports by a computed name brings its whole
package; text that spells the name of a module or package brings that. So the closure may be too
large, and is too small only for what is loaded by a name put together from pieces of text.

Leaves out what stands above the models (reports, studies, the command line): nothing below may
import it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import rackwright

__all__ = ["ROOT", "closure", "named_in"]

ROOT = Path(rackwright.__file__).parent
_BELOW = ("beside", "canonical", "errors", "units", "engine", "hdl", "traces", "devices",
          "topologies", "models")
_REGISTRY = "rackwright.models.registry"  # names all systems; which one is meant is known
# by patterns: a parser of Python takes seconds for some hundred files, these a tenth of that
_FROM = re.compile(r"^[ \t]*from[ \t]+(rackwright[\w.]*)[ \t]+import[ \t\\\n]+"
                   r"(\((?:[^)#]|#[^\n]*)*\)|[^\n]*)", re.MULTILINE)
_PLAIN = re.compile(r"^[ \t]*import[ \t]+([^\n]*\brackwright\.[^\n]*)", re.MULTILINE)
_SPELLED = re.compile(r"""["'](rackwright(?:\.\w+)+)[.:]?\w*["'{]""")
_BY_NAME = re.compile(r"\b(?:import_module|__import__)\b")
_COMMENT = re.compile(r"#[^\n]*")


def closure(modules: Iterable[str]) -> dict[str, Path]:
    """Module -> file of everything that `modules` may run, themselves included, sorted by name."""
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if file is None or name in found:
            continue
        found[name] = file
        waiting += _brought(name, file)
    return dict(sorted(found.items()))


def named_in(text: str, package: str = "") -> tuple[str, ...]:
    """Names below ``rackwright`` that a source imports or spells; one may be of no module.

    `package`: the one that the source belongs to, brought whole when it imports by computed names.
    """
    found = set(_SPELLED.findall(text))
    for names in _PLAIN.findall(text):
        found.update(re.findall(r"rackwright(?:\.\w+)+", names))
    for module, names in _FROM.findall(text):
        words = re.findall(r"\w+", _COMMENT.sub("", names))
        found |= {module, *(f"{module}.{word}" for word in words)}
    if package and _BY_NAME.search(text):
        found |= set(_modules_below(package))
    return tuple(sorted(found))


def _brought(name: str, file: Path) -> Iterator[str]:
    parent = name.rpartition(".")[0]
    if parent != "rackwright":
        yield parent
    package = "" if name == _REGISTRY else name if file.name == "__init__.py" else parent
    for other in _read(file, package):
        if name == _REGISTRY and other.count(".") > 1 and other.startswith("rackwright.models."):
            if (ROOT / other.partition(".")[2].replace(".", "/")).is_dir():
                continue
        yield other


@functools.lru_cache(2048)
def _read(file: Path, package: str) -> tuple[str, ...]:
    return named_in(file.read_text(encoding="utf-8"), package)


def _file(name: str) -> Path | None:
    """The source of a module below the models' tier; None for any other name."""
    parts = name.split(".")[1:]
    if not parts or parts[0] not in _BELOW:
        return None
    path = ROOT.joinpath(*parts)
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def _modules_below(package: str) -> Iterator[str]:
    folder = ROOT.joinpath(*package.split(".")[1:])
    for file in sorted(folder.rglob("*.py")):
        inside = file.relative_to(folder).with_suffix("").parts
        yield ".".join((package, *(part for part in inside if part != "__init__")))
