"""Systems of installed packages: found by their entry points, and every way to get one wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rackwright.errors import InputError, UnknownName
from rackwright.models import registry

Install = Callable[..., None]
SYSTEM = '''
import dataclasses
from rackwright.models.aep import MODEL as AEP
MODEL = dataclasses.replace(AEP, name="{name}", title="a system of mine")
WRONG = "text"
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts packages on the path: a module, and what `pip install` says about it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def put(package: str, entry: str, value: str, text: str = "") -> None:
        made.append(package)
        (tmp_path / f"{package}.py").write_text(text or SYSTEM.format(name=entry))
        told = tmp_path / f"{package}-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (told / "entry_points.txt").write_text(f"[rackwright.models]\n{entry} = {value}\n")
        registry._installed.cache_clear()

    yield put
    registry._installed.cache_clear()
    for package in made:
        sys.modules.pop(package, None)


def fault(name: str) -> str:
    with pytest.raises(InputError) as problem:
        registry.get(name)
    return str(problem.value)


def test_a_package_adds_a_system(install: Install) -> None:
    before = registry.names()
    install("rw_mine", "mine", "rw_mine:MODEL")
    assert registry.names() == tuple(sorted((*before, "mine")))
    assert "rw_mine" not in sys.modules     # imported when asked for
    assert registry.get("mine").title == "a system of mine"


def test_an_unknown_name_lists_it(install: Install) -> None:
    install("rw_mine", "mine", "rw_mine:MODEL")
    with pytest.raises(UnknownName, match="'mne'. Did you mean 'mine'"):
        registry.get("mne")


def test_a_packaged_name_cannot_be_taken(install: Install) -> None:
    install("rw_taker", "aep", "rw_taker:MODEL")
    assert fault("aep") == (
        "the system 'aep' is claimed by rackwright (rackwright.models.aep) and by rw_taker "
        "(rw_taker:MODEL); rename one, or uninstall its package")
    assert registry.get("hyperrag").name == "hyperrag"


def test_two_packages_cannot_share_a_name(install: Install) -> None:
    install("rw_one", "mine", "rw_one:MODEL")
    install("rw_two", "mine", "rw_two:MODEL")
    assert "rw_one (rw_one:MODEL) and by rw_two (rw_two:MODEL)" in fault("mine")


def test_one_package_seen_twice_is_one(install: Install) -> None:
    """Editable installs may leave the same entry point twice on the path."""
    install("rw_mine", "mine", "rw_mine:MODEL")
    install("rw_mine_old", "mine", "rw_mine:MODEL")
    assert registry.get("mine").name == "mine"


@pytest.mark.parametrize("value, text, told", [
    ("rw_bad:MODEL", "import no_such_module_of_mine\n",
     "does not load: ModuleNotFoundError: No module named 'no_such_module_of_mine'"),
    ("rw_bad:NOTHING", "", "does not load: AttributeError"),
    ("rw_bad:MODEL", "1 / 0\n", "does not load: ZeroDivisionError"),
    ("rw_bad:WRONG", "", "is a str; it must be a rackwright.models.Model"),
    ("rw_bad:MODEL", SYSTEM.format(name="other"), "calls itself 'other'"),
])
def test_a_package_that_is_wrong(install: Install, value: str, text: str, told: str) -> None:
    install("rw_bad", "mine", value, text)
    assert fault("mine").startswith(f"the system 'mine' of rw_bad ({value}) ")
    assert told in fault("mine")
    assert "mine" in registry.names() and registry.get("curp").name == "curp"
