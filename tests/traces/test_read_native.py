"""Our own request CSV: what is read, and where reading stops."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright.errors import TraceError, UsageError
from rackwright.traces import read_requests

Native = Callable[[str], Path]


def test_rows_become_columns(native: Native) -> None:
    trace = read_requests(native("0.25,10,20\n0.25,11,21\n1e2,12,22\n"))
    assert trace.arrival_time.tolist() == [0.25, 0.25, 100.0]
    assert trace.input_tokens.tolist() == [10, 11, 12]
    assert trace.output_tokens.tolist() == [20, 21, 22]
    assert (trace.name, trace.source) == ("t", "t.csv")


@pytest.mark.parametrize("rows", ["1.5,1,2\n2.5,3,4", "1.5,1,2\r\n2.5,3,4\r\n",
                                  "1.5,1,2\n2.5,3,4\n"])
def test_line_ends(native: Native, rows: str) -> None:
    assert read_requests(native(rows)).output_tokens.tolist() == [2, 4]


def test_comments_give_name_and_source(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("# free text\n# name: run 7\n# source: a: b\n#\n"
                    "arrival_time_s,input_tokens,output_tokens\n0,1,1\n")
    trace = read_requests(path)
    assert (trace.name, trace.source) == ("run 7", "a: b")


def test_byte_order_mark_and_gzip_are_told_by_content(tmp_path: Path) -> None:
    text = "\ufeffarrival_time_s,input_tokens,output_tokens\n0,1,1\n"
    for name, data in (("a.csv", text.encode()), ("b.csv.gz", gzip.compress(text.encode())),
                       ("c.csv", gzip.compress(text.encode()))):
        (tmp_path / name).write_bytes(data)
        assert len(read_requests(tmp_path / name)) == 1
    assert read_requests(tmp_path / "b.csv.gz").name == "b"


@pytest.mark.parametrize("rows", [4095, 4096, 4097, 9000])
def test_blocks_of_any_size(native: Native, rows: int) -> None:
    path = native("".join(f"{row},{row + 1},{row + 2}\n" for row in range(rows)))
    assert read_requests(path).output_tokens.tolist() == list(range(2, rows + 2))


@pytest.mark.parametrize("limit", [1, 2, 4096, 5000])
def test_limit_reads_no_further(native: Native, limit: int) -> None:
    good = "".join(f"{row},1,1\n" for row in range(limit))
    assert len(read_requests(native(good + "this is no row\n"), limit=limit)) == limit
    with pytest.raises(TraceError, match=f"t.csv:{limit + 2}: 1 fields"):
        read_requests(native(good + "this is no row\n"), limit=limit + 1)


def test_limit_beyond_the_end(native: Native) -> None:
    assert len(read_requests(native("0,1,1\n"), limit=99)) == 1


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_is_refused(native: Native, limit: int) -> None:
    with pytest.raises(UsageError, match="at least 1 row"):
        read_requests(native("0,1,1\n"), limit=limit)


@pytest.mark.parametrize(("rows", "message"), [
    ("0,1,1\n1,x,1\n", "3: column input_tokens: 'x': not a whole number; expected a whole number "
                       "of tokens, 1 to 10000000"),
    ("0,1,1\n1,1,0\n", "3: column output_tokens: '0': out of range"),
    ("0,1,10000001\n", "2: column output_tokens: '10000001': out of range"),
    ("0,1," + "9" * 5000 + "\n", "2: column output_tokens: '9999"),
    ("0,1,1.0\n", "2: column output_tokens: '1.0': not a whole number"),
    ("0, 1,1\n", "2: column input_tokens: ' 1': not a whole number"),
    ("0,1_0,1\n", "2: column input_tokens: '1_0': not a whole number"),
    ("0,\u0663,1\n", "2: column input_tokens: '\u0663': not a whole number"),
    ("5,1,1\n4,1,1\n", "3: column arrival_time_s: '4': earlier than the row above"),
    ("nan,1,1\n", "2: column arrival_time_s: 'nan': not a plain decimal number"),
    ("inf,1,1\n", "2: column arrival_time_s: 'inf'"),
    ("-1,1,1\n", "2: column arrival_time_s: '-1'"),
    ("1e9,1,1\n", "2: column arrival_time_s: '1e9': out of range"),
    ("1e999,1,1\n", "2: column arrival_time_s: '1e999': out of range"),
    (".,1,1\n", "2: column arrival_time_s: '.'"),
    ("\u00b2,1,1\n", "2: column arrival_time_s: '\u00b2'"),
    ("0,1\n", "2: 2 fields in '0,1'; expected 3: arrival_time_s,input_tokens,output_tokens (is "),
    ("0,1,1\n1,1", "3: 2 fields in '1,1'; expected 3"),
    ("0,1,1,1\n0,1\n", "2: 4 fields in '0,1,1,1'; expected 3"),
    ('"0",1,1\n', "2: column arrival_time_s: '\"0\"'"),
    ("0,1,1\n\n1,1,1\n", "3: a blank line; remove it"),
    ("0,1,1\n# late\n", "3: 1 fields in '# late'"),
    ("0,1,1\narrival_time_s,input_tokens,output_tokens\n", "3: the header line is repeated"),
    ("0,1,1\r1,1,1\n", "2: 5 fields"),
    ("", "1: the header is followed by no row"),
])
def test_a_bad_row_is_one_error_at_its_line(native: Native, rows: str, message: str) -> None:
    path = native(rows)
    with pytest.raises(TraceError) as caught:
        read_requests(path)
    assert str(caught.value).startswith(f"{path}:{message}")
    assert len(str(caught.value)) < 400


def test_times_do_not_go_back_between_blocks(native: Native) -> None:
    rows = "".join(f"{row},1,1\n" for row in range(4096))
    with pytest.raises(TraceError, match="t.csv:4098: column arrival_time_s: '7': earlier"):
        read_requests(native(rows + "7,1,1\n"))
