"""Files that are no traces at all: one clear error each."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from rackwright.errors import InputError, TraceError
from rackwright.traces import read_requests, read_routing, read_trace

GOOD = b"arrival_time_s,input_tokens,output_tokens\n" + b"0,1,1\n" * 2000
ZIPPED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(("data", "line", "message"), [
    (b"", None, "the file is empty"),
    (b"# only: comments\n", None, "only comments"),
    (b"0,1,1\n", 1, "the header line is missing: '0,1,1'; expected "),
    (b"a,b,c\n1,2,3\n", 1, "unknown header: 'a,b,c'; expected 'arrival_time_s,"),
    (b"arrival_time_s,arrival_time_s,output_tokens\n0,0,1\n", 1, "unknown header"),
    (b"# name: a\n# name: b\n" + GOOD, 2, "the comment 'name' stands twice"),
    (GOOD.decode().encode("utf-16"), 1, "is not UTF-8"),
    (GOOD.decode().encode("utf-16-le"), 1, "NUL byte at column 2"),
    (GOOD + b"0,\xff,1\n", 2002, "byte 0xff at column 3 is not UTF-8"),
    (GOOD + b"0,1\0,1\n", 2002, "NUL byte at column 4"),
    (b"x" * (1 << 21), 1, "longer than"),
    (ZIPPED[:-9], None, "gzip data is damaged or cut off after about 1"),
    (ZIPPED[:30], None, "gzip data is damaged or cut off after about 0 lines (Compressed file"),
    (ZIPPED[:-8] + b"\0" * 8, None, "gzip data is damaged or cut off after about 1"),
    (b"\x1f\x8b", None, "gzip data is damaged or cut off after about 0 lines"),
    (b"\x1f\x8bnot gzip at all", None, "(Unknown compression method)"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_content(tmp_path: Path, data: bytes, line: int | None, message: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(data)
    for read in (read_requests, read_trace):
        with pytest.raises(TraceError) as caught:
            read(path)
        assert message in str(caught.value)
        assert caught.value.place == path and caught.value.line == line


def test_gzip_by_name_only(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(GOOD)
    with pytest.raises(TraceError, match="named .gz and holds no gzip data"):
        read_requests(path)


@pytest.mark.parametrize("read", [read_requests, read_routing, read_trace])
def test_places_that_hold_no_file(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(InputError, match="cannot be opened: No such file"):
        read(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot be opened: Not a directory"):
        (tmp_path / "file").touch()
        read(tmp_path / "file" / "below")
    with pytest.raises(InputError, match="cannot be opened: embedded null"):
        read("a\0b")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(GOOD)
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be opened: Permission denied"):
        read_requests(path)


def test_a_routing_file_is_no_request_file(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("# n_experts: 2\n# k: 1\nstep,request,token,layer,expert_ids\n0,0,0,0,1\n")
    with pytest.raises(TraceError, match="r.csv:3: unknown header"):
        read_requests(path)
    assert len(read_trace(path)) == 1


def test_a_pipe_is_read_once() -> None:
    out, into = os.pipe()
    with os.fdopen(into, "wb") as writer:
        writer.write(GOOD)
    try:
        assert len(read_trace(f"/dev/fd/{out}")) == 2000
    finally:
        os.close(out)
