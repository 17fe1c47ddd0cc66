"""The wheel, built through the source archive, holds what git holds, and nothing else.

Building needs setuptools from the package index. ``RACKWRIGHT_WHEEL`` names a wheel that is
already built.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = ("src/rackwright/", "src/pyvisa_rackwright/")
LINKED = ("devices", "hdl", "models", "topologies", "traces")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository"),
]


def tracked() -> list[str]:
    """Files that git has or would take."""
    done = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.splitlines() if os.path.lexists(ROOT / name)]


def packaged(name: str) -> str | None:
    """Where the wheel should have a tracked file; None for what stays outside."""
    head, _, rest = name.partition("/")
    if head in LINKED:
        return f"rackwright/{name}"
    inside = name.startswith(OWN) and not (ROOT / name).is_symlink()
    return rest if inside else None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ready = os.environ.get("RACKWRIGHT_WHEEL")
    if ready:
        return Path(ready)
    pytest.importorskip("build")
    copy = tmp_path_factory.mktemp("source")
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(copy)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_what_git_holds(wheel: Path) -> None:
    expected = {place for place in map(packaged, tracked()) if place}
    found = contents(wheel)
    assert sorted(expected - found) == [], "git has these, the wheel does not"
    assert sorted(found - expected) == [], "the wheel has these, git does not"


def test_the_wheel_holds_no_tests(wheel: Path) -> None:
    names = contents(wheel)
    assert not [name for name in names if "/test_" in name or "conftest" in name]
    assert all(name.startswith(("rackwright/", "pyvisa_rackwright/")) for name in names)
