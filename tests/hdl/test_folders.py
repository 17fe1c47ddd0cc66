"""block.toml: read strictly; each fault is named with its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.errors import InputError, UnknownName

MakeBlock = Callable[..., Path]
HEAD = 'sources = ["tiny.v"]\n'
GEOMETRY = '[[geometry]]\nname = "a"\n'


def test_packaged_blocks_can_all_be_read() -> None:
    for name in hdl.blocks():
        one = hdl.block(name)
        assert one.name == one.toplevel == name and one.summary
        assert all(source.is_file() for source in one.sources)
        assert not one.geometry().slow  # the default is tested always
        assert one.bench[0].startswith("rackwright.hdl.")


def test_order_and_default() -> None:
    assert list(hdl.blocks()) == sorted(hdl.blocks())
    one = hdl.block("witness_table")
    assert one.geometry() == one.geometry("1024x4") == one.geometries[0]


@pytest.mark.parametrize(("toml", "message"), [
    ("\nsources = =", "cannot be read: .*line 2"),
    (GEOMETRY, "the key 'sources' is missing"),
    (HEAD, "the key 'geometry' is missing"),
    (HEAD + "geometry = []\n", "give at least one"),
    (HEAD + "geometry = [1]\n", r"geometry 1: write \[\[geometry\]\] tables"),
    (HEAD + "colour = 1\n" + GEOMETRY, "unknown key 'colour'; known: geometry, sources"),
    (HEAD + GEOMETRY + "fast = true\n", "geometry: unknown key 'fast'"),
    (HEAD + GEOMETRY + GEOMETRY, "each with a name of its own"),
    (HEAD + GEOMETRY + "parameters = { W = 1.5 }\n", "'a': parameter W = 1.5 must be an integer"),
    (HEAD + GEOMETRY + "parameters = { W = true }\n", "W = True must be an integer"),
    (HEAD + GEOMETRY + "slow = 1\n", "slow = 1 must be of type bool"),
    ('sources = ["other.v"]\n' + GEOMETRY, "source 'other.v': there is no file"),
])
def test_faults(make_block: MakeBlock, toml: str, message: str) -> None:
    with pytest.raises(InputError, match=f"block.toml: .*{message}"):
        hdl.block(make_block(toml=toml))


def test_folder_without_bench(make_block: MakeBlock) -> None:
    folder = make_block()
    (folder / "bench.py").unlink()
    with pytest.raises(InputError, match="no bench.py"):
        hdl.block(folder)


def test_folder_that_is_no_block(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no block.toml in this folder"):
        hdl.block(tmp_path)
    with pytest.raises(UnknownName, match="Known: arbiter, axis_fifo, axis_skid"):
        hdl.block("nothing")


def test_hash_follows_the_sources_only(make_block: MakeBlock) -> None:
    before = hdl.block(make_block()).rtl_sha256
    assert hdl.block(make_block(bench="# another\n")).rtl_sha256 == before
    assert hdl.block(make_block(rtl="// another\n")).rtl_sha256 != before
