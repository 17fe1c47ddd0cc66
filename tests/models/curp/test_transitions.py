"""Transitions of master, witnesses and backups by themselves, called from Python."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from rackwright.errors import UsageError
from rackwright.hdl.witness_table.golden import (
    ACCEPT,
    REJECT_FROZEN,
    REJECT_FULL,
    REJECT_KEY,
    witness_freeze,
)
from rackwright.models.curp.backups import (
    REFUSED,
    backup_clear,
    backup_fence,
    backup_read,
    backup_write,
    new_backups,
)
from rackwright.models.curp.clients import (
    FINISHED,
    MUST_SYNC,
    WAITING,
    client_begin,
    client_decide,
    client_hears_master,
    client_hears_witness,
    new_clients,
)
from rackwright.models.curp.formulas import superquorum
from rackwright.models.curp.master import (
    ADD,
    CLEAN,
    CONFLICT,
    DUPLICATE,
    END,
    IGNORED,
    SYNCED,
    WRITE,
    master_acknowledge,
    master_apply,
    master_begin_sync,
    master_execute,
    master_read,
    new_master,
)
from rackwright.models.curp.witnesses import (
    collect,
    end_round,
    holds,
    key_hash,
    new_witnesses,
    record,
    record_all,
    table_at,
)
from rackwright.models.protocols.history import join


def master(**sizes: int) -> Any:
    return new_master(8, 3, 2, ring=16, memory=4, **sizes)


def test_conflict_until_all_backups_have_it() -> None:
    m = master()
    assert master_execute(m, WRITE, 1, 1, 7, 0, 1) == (CLEAN, 7, 1)
    assert master_execute(m, ADD, 1, 1, 2, 1, 1) == (CONFLICT, 9, 2)
    assert master_read(m, 1, 1) == (CONFLICT, 9, 2)
    assert master_read(m, 2, 1) == (CLEAN, 0, 0)
    assert master_read(m, 0, 4)[::2] == (CONFLICT, 2)   # a scan over key 1
    assert master_begin_sync(m, 2) == (0, 2)
    assert master_begin_sync(m, 2) == (2, 2)            # one at a time
    assert not master_acknowledge(m, 0, 2)
    assert master_read(m, 1, 1)[0] == CONFLICT
    assert master_acknowledge(m, 1, 2)
    assert master_read(m, 1, 1) == (CLEAN, 9, 2)
    assert m.counts[SYNCED] == m.counts[END] == 2


def test_filter_executes_once() -> None:
    m = master()
    assert master_execute(m, ADD, 0, 1, 5, 2, 3) == (CLEAN, 5, 1)
    assert master_execute(m, ADD, 0, 1, 5, 2, 3) == (DUPLICATE, 5, 1)
    assert m.value[0] == 5
    assert master_execute(m, ADD, 1, 1, 5, 2, 7)[0] == CLEAN    # the same seat: 3 is acknowledged
    assert master_execute(m, ADD, 0, 1, 5, 2, 3)[0] == IGNORED
    assert m.value[0] == 5


def test_several_keys_are_one_operation() -> None:
    """One result, one completion record, a log entry each; any unsynced key is a conflict."""
    m = master()
    assert master_execute(m, WRITE, 2, 1, 4, 1, 1) == (CLEAN, 4, 1)
    told = join(join(5, 9), 5)
    assert master_execute(m, ADD, 1, 3, 5, 0, 1) == (CONFLICT, told, 4)
    assert m.value[1:4].tolist() == [5, 9, 5] and m.log_key[:4].tolist() == [2, 1, 2, 3]
    assert master_execute(m, ADD, 1, 3, 5, 0, 1) == (DUPLICATE, told, 4)
    assert master_read(m, 1, 3) == (CONFLICT, told, 4)
    again = master()                      # from the log, entry by entry
    for at in range(4):
        master_apply(again, m.log_key[at], m.log_client[at], m.log_rpc[at], m.log_value[at])
    assert again.value.tolist() == m.value.tolist()
    assert master_execute(again, ADD, 1, 3, 5, 0, 1) == (DUPLICATE, told, 4)


def test_a_majority_is_enough_where_the_master_says_so() -> None:
    m = new_master(8, 3, 4, ring=16, memory=4, acks=2)
    master_execute(m, WRITE, 0, 1, 7, 0, 1)
    master_begin_sync(m, 1)
    assert not master_acknowledge(m, 3, 1)
    assert not master_acknowledge(m, 3, 1)
    assert master_acknowledge(m, 0, 1)
    assert not master_acknowledge(m, 1, 1)      # late, and of no consequence
    assert m.counts[SYNCED] == 1


def test_replay_in_any_order_gives_the_same_state() -> None:
    """What a witness accepted together has different keys, so the order does not matter."""
    ws = new_witnesses(1, 8, 4)
    accepted = [rpc for rpc in range(8)
                if record(ws, 0, 0, key_hash(ws, (rpc * 3) % 5), rpc % 3, rpc, rpc) == ACCEPT]
    assert len(accepted) == 5
    found = set()
    for order in itertools.permutations(accepted):
        m = master()
        for rpc in order:
            assert master_execute(m, ADD, (rpc * 3) % 5, 1, 1 + rpc, rpc % 3, rpc)[0] == CLEAN
        found.add(tuple(m.value.tolist()))
    assert len(found) == 1


def test_witness_rejects_conflicts_other_owners_and_when_frozen() -> None:
    ws = new_witnesses(2, 8, 2)
    hashed = key_hash(ws, 5)
    assert record(ws, 0, 0, hashed, 1, 1, 10) == ACCEPT
    assert record(ws, 0, 0, hashed, 1, 2, 11) == REJECT_KEY
    assert record(ws, 1, 0, hashed, 1, 2, 11) == ACCEPT     # tables are apart
    assert record(ws, 0, 3, key_hash(ws, 6), 1, 3, 12) == REJECT_FROZEN   # another master's
    assert not collect(ws, 0, hashed, 1, 2)                 # unknown: nothing happens
    assert ws.valid[0].sum() == 1
    witness_freeze(table_at(ws, 0))
    assert record(ws, 0, 0, key_hash(ws, 6), 1, 3, 12) == REJECT_FROZEN
    assert collect(ws, 0, hashed, 1, 1)                     # gc goes on
    assert ws.valid[0].sum() == 0


def test_records_of_several_keys_are_kept_whole_or_not_at_all() -> None:
    ws = new_witnesses(1, 8, 2)
    assert record_all(ws, 0, 0, 4, 3, 1, 1, 10) == ACCEPT
    assert ws.valid[0].sum() == 3 and holds(ws, 0, 6, 1) and holds(ws, 0, 0, 5)
    before = ws.valid.copy()
    assert record_all(ws, 0, 0, 1, 4, 2, 1, 11) == REJECT_KEY      # 1, 2, 3 are free, 4 is not
    assert ws.valid.tolist() == before.tolist() and not holds(ws, 0, 1, 3)
    assert record_all(ws, 0, 0, 1, 3, 2, 2, 12) == ACCEPT
    tiny = new_witnesses(1, 2, 1)
    assert record_all(tiny, 0, 0, 0, 3, 1, 1, 10) == REJECT_FULL   # three keys, two slots
    assert tiny.valid.sum() == 0


def test_stale_entry_is_suspected_once() -> None:
    ws = new_witnesses(1, 8, 2)
    hashed = key_hash(ws, 5)
    record(ws, 0, 0, hashed, 1, 1, 10)
    for _ in range(2):
        end_round(ws, 0)
    record(ws, 0, 0, hashed, 1, 2, 11)
    assert ws.suspects[0] == 0
    end_round(ws, 0)
    for _ in range(3):
        record(ws, 0, 0, hashed, 1, 2, 11)
    assert ws.suspects[0] == 1 and ws.suspect[0, 0] == 10


def test_backup_refuses_gaps_and_old_masters() -> None:
    m, bs = master(), new_backups(2, 16, 8)
    for rpc in range(4):
        master_execute(m, WRITE, rpc, 1, 10 + rpc, 0, rpc)
    assert backup_write(bs, 0, 0, m, 0, 2, 0) == 2
    assert backup_write(bs, 0, 0, m, 3, 4, 0) == 2      # a gap
    assert backup_write(bs, 0, 0, m, 0, 2, 0) == 2      # once more
    assert backup_write(bs, 0, 0, m, 2, 4, 0) == 4
    assert bs.log_value[0, :4].tolist() == [10, 11, 12, 13]
    backup_fence(bs, 0, 1)
    assert backup_write(bs, 0, 0, m, 2, 4, 0) == REFUSED
    assert backup_write(bs, 0, 1, m, 2, 4, 0) == 4
    assert backup_write(bs, 1, 0, m, 0, 4, 0) == 4      # the other one was not fenced


def test_backup_shows_only_what_all_backups_have() -> None:
    m, bs = master(), new_backups(1, 16, 8)
    for rpc, key in enumerate((0, 1, 0)):
        master_execute(m, WRITE, key, 1, 10 + rpc, 0, rpc)
    backup_write(bs, 0, 0, m, 0, 2, 0)
    assert backup_read(bs, 0, 0, bs.known[0], 0, 1) == (0, 0)       # who knows what the others have
    assert backup_read(bs, 0, 0, bs.known[0], 5, 1) == (1, 0)       # never updated
    backup_write(bs, 0, 0, m, 2, 3, 2)                              # ... up to 2, says the master
    assert backup_read(bs, 0, 0, bs.known[0], 1, 1) == (1, 11)
    assert backup_read(bs, 0, 0, bs.known[0], 0, 2) == (0, 0)       # key 0 again, at position 3
    assert backup_read(bs, 0, 0, 3, 0, 2) == (1, join(12, 11))
    assert backup_read(bs, 0, 1, 3, 1, 1) == (0, 0)                 # a reader of another list
    backup_clear(bs, 0)
    assert backup_read(bs, 0, 0, 9, 5, 1) == (0, 0)                 # empty: it cannot know


@pytest.mark.parametrize(("replied", "synced", "answers", "expected"), [
    (False, False, "aaa", WAITING), (True, False, "aa-", WAITING), (True, False, "aaa", FINISHED),
    (True, True, "r--", FINISHED), (True, False, "aar", MUST_SYNC), (True, False, "ar-", MUST_SYNC),
    (False, False, "r--", WAITING)])
def test_client_decides(replied: bool, synced: bool, answers: str, expected: int) -> None:
    cs = new_clients(1)
    client_begin(cs, 0, 1, 0b111, 3)
    if replied:
        client_hears_master(cs, 0, 9, synced)
    for which, said in enumerate(answers):
        if said != "-":
            client_hears_witness(cs, 0, which, said == "a")
    assert client_decide(cs, 0) == expected


@pytest.mark.parametrize(("answers", "expected"), [
    ("aaaa---", WAITING), ("aaaaaa-", FINISHED), ("raaaaa-", WAITING), ("raaaaaa", FINISHED),
    ("rr-----", MUST_SYNC)])
def test_client_decides_by_superquorum(answers: str, expected: int) -> None:
    """f = 3: six of seven witnesses."""
    cs = new_clients(1)
    client_begin(cs, 0, 1, 0b1111111, superquorum(3))
    client_hears_master(cs, 0, 9, False)
    for which, said in enumerate(answers):
        if said != "-":
            client_hears_witness(cs, 0, which, said == "a")
    assert client_decide(cs, 0) == expected


def test_sizes_are_checked() -> None:
    with pytest.raises(UsageError, match="ring=12: a power of two"):
        new_master(4, 1, 1, ring=12)


def test_hash_of_32_bits() -> None:
    wide, narrow = new_witnesses(1, 8, 2), new_witnesses(1, 8, 2, hash_bits=32)
    keys = range(200)
    assert max(int(key_hash(narrow, key)) for key in keys) < 1 << 32
    assert max(int(key_hash(wide, key)) for key in keys) > 1 << 32
    assert len({int(key_hash(wide, key)) for key in keys}) == 200
    spread = np.bincount([int(key_hash(wide, key)) & 7 for key in range(8000)])
    assert spread.min() > 900
