"""A seeded generator of requests that share prefixes: conversations under common system prompts.

Conversations begin as a Poisson process. Each has one of some system prompts (all alike likely) and
some turns; a turn's prompt is the whole conversation so far and a new question. The next turn
comes after the reader's thinking time, counted from the last turn's arrival: a trace cannot know
when the answer ends. Everything here is a **stand-in of ours, fitted on nothing**.

Blocks that a turn has filled keep their ids in later turns, answers included; blocks within a
system prompt are common to all its conversations.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.traces.lengths import Uniform
from rackwright.traces.prefixes import MAX_BLOCK_ID, PrefixBlocks
from rackwright.traces.requests import RequestTrace
from rackwright.units import MAX_TIME, exact_time

__all__ = ["generate_conversations"]

_MOST = 1_000_000  # conversations: our bound
Ints = npt.NDArray[np.int64]


def generate_conversations(rate_per_s: float, count: int, *, system_prompts: int = 4,
                           system_tokens: Uniform | None = None, turns: Uniform | None = None,
                           question_tokens: Uniform | None = None,
                           answer_tokens: Uniform | None = None, think_time: float = 20.0,
                           block_tokens: int = 64, seed: int = 0, name: str = "conversations"
                           ) -> RequestTrace:
    """`count` conversations that begin at `rate_per_s`; thinking is exponential, mean `think_time`.

    Defaults: system prompts of 200 to 2000 tokens, 1 to 6 turns, questions of 20 to 300 and
    answers of 20 to 400 tokens. The trace's `source` states every parameter. Raises UsageError.
    """
    laws = (system_tokens or Uniform(200, 2000), turns or Uniform(1, 6),
            question_tokens or Uniform(20, 300), answer_tokens or Uniform(20, 400))
    _check(rate_per_s, count, system_prompts, think_time, block_tokens, seed)
    arrivals, sizes, gaps = (np.random.default_rng(child)
                             for child in np.random.SeedSequence(seed).spawn(3))
    begins = np.cumsum(arrivals.standard_exponential(count) / rate_per_s)
    systems = _draw(sizes, laws[0], system_prompts)
    ids = _Ids(block_tokens)
    rows: list[tuple[float, int, int, list[int]]] = []
    for begin in begins.tolist():
        chosen = int(sizes.integers(system_prompts))
        held, chain, at = int(systems[chosen]), ids.of_system(chosen, int(systems[chosen])), begin
        for _ in range(int(_draw(sizes, laws[1], 1)[0])):
            question, answer = (int(_draw(sizes, law, 1)[0]) for law in laws[2:])
            chain = ids.longer(chain, held, held + question)
            rows.append((at, held + question, answer, chain))
            chain = ids.longer(chain, held + question, held + question + answer)
            held += question + answer
            at += float(gaps.standard_exponential()) * think_time
    text = (f"generate_conversations: {count} at {float(rate_per_s)!r} a second, {system_prompts} "
            f"system prompts of {laws[0]}, {laws[1]} turns, questions of {laws[2]}, answers of "
            f"{laws[3]} tokens, thinking {exact_time(think_time)}; stand-ins; seed {seed}")
    return _trace(rows, block_tokens, name, text)


class _Ids:
    """New ids, and chains of them: full blocks stay, a block that grows gets a new id."""

    def __init__(self, block_tokens: int) -> None:
        self.size, self.next = block_tokens, 0
        self.systems: dict[int, list[int]] = {}

    def of_system(self, number: int, tokens: int) -> list[int]:
        if number not in self.systems:
            self.systems[number] = self._fresh(-(-tokens // self.size))
        return self.systems[number]

    def longer(self, chain: list[int], before: int, tokens: int) -> list[int]:
        """The chain of `tokens` tokens, the first `before` of which are those of `chain`."""
        full = before // self.size
        return chain[:full] + self._fresh(-(-tokens // self.size) - full)

    def _fresh(self, count: int) -> list[int]:
        self.next += count
        if self.next > MAX_BLOCK_ID:
            raise UsageError("too many prefix blocks; raise block_tokens")
        return list(range(self.next - count, self.next))


def _draw(stream: np.random.Generator, law: Uniform, count: int) -> Ints:
    return stream.integers(law.low, law.high, count, endpoint=True)


def _trace(rows: list[tuple[float, int, int, list[int]]], block_tokens: int, name: str, text: str
           ) -> RequestTrace:
    rows.sort(key=lambda row: row[0])
    if rows[-1][0] > MAX_TIME:
        raise UsageError(f"the last turn comes at {rows[-1][0]:.6g} s; at most {MAX_TIME:.0f} s: "
                         "raise the rate, or lower count or think_time")
    offsets = np.cumsum([0, *(len(row[3]) for row in rows)])
    chains = np.array([each for row in rows for each in row[3]], np.int64)
    times, entered, made = (np.array([row[column] for row in rows]) for column in range(3))
    return RequestTrace(times, entered, made, name, text,
                        PrefixBlocks(offsets, chains, block_tokens))


def _check(rate: float, count: int, systems: int, think: float, block: int, seed: int) -> None:
    if not 0 < rate < math.inf:
        raise UsageError(f"rate_per_s = {rate}: expected a finite rate above 0")
    for words, value, low, high in (("count", count, 1, _MOST),
                                    ("system_prompts", systems, 1, _MOST),
                                    ("block_tokens", block, 1, _MOST), ("seed", seed, 0, None)):
        if value < low or high is not None and value > high:
            raise UsageError(f"{words} = {value}: expected a whole number from {low}"
                             f"{f' to {high}' if high else ''}")
    if not 0 <= think <= MAX_TIME:
        raise UsageError(f"think_time = {think}: expected 0 to {MAX_TIME:.0f} s")
