"""Debug mode: what must hold after every step of the engine.

Every request is in one place, fresh ones run in order of arrival, pages are conserved and enough
for what is computed, a step hands out at most one token a request, no limit is passed, time never
goes back. Plain Python over the state's arrays: a hundred times slower than a replay.
"""

from __future__ import annotations

import numpy as np

from rackwright.errors import ModelFault
from rackwright.models.serving.state import EngineState

__all__ = ["Checks"]


class Checks:
    """`Checks(state)` before the first step; then call it with the state after each of them.

    Raises `ModelFault` that says what is broken, where and when.
    """

    def __init__(self, state: EngineState) -> None:
        self.pages = int(state.admission.kv_free[0] + _held(state))
        self.now_ps, self.admitted = 0, 0
        self.generated = state.requests.generated.copy()

    def __call__(self, state: EngineState) -> None:
        now_ps = int(state.control.now_ps[0])
        _hold(state, now_ps >= self.now_ps, f"time went back from {self.now_ps} ps")
        self.now_ps = now_ps
        self._places(state)
        self._memory(state)
        self._tokens(state)
        _limits(state)

    def _places(self, state: EngineState) -> None:
        running = state.sequences.running[:state.step.running[0]].tolist()
        inside = running + state.sequences.returned[:state.step.returned[0]].tolist()
        _hold(state, len(set(inside)) == len(inside), f"a request is twice in {inside}")
        admitted = int(state.admission.admitted[0])
        live = set(np.flatnonzero(state.requests.finish_ps[:admitted] < 0).tolist())
        _hold(state, set(inside) == live, f"requests {set(inside) ^ live} are lost or have ended")
        _hold(state, self.admitted <= admitted <= int(state.admission.arrived[0]),
              f"{admitted} requests are admitted, {self.admitted} were before")
        self.admitted = admitted
        fresh = [r for r in running if state.sequences.preemptions[r] == 0]
        _hold(state, fresh == sorted(fresh), f"not first come, first served: {fresh}")

    def _memory(self, state: EngineState) -> None:
        held, free = state.requests.kv_blocks, int(state.admission.kv_free[0])
        _hold(state, free >= 0 and bool((held >= 0).all()), f"{free} pages are free")
        _hold(state, _held(state) + free == self.pages,
              f"{_held(state)} pages held and {free} free are not {self.pages}")
        fixed = state.fixed
        if fixed.caching:
            _shared(state)
        live = (state.requests.finish_ps < 0) & (state.sequences.computed > 0)
        # windows and shared prefixes need fewer: groups that see everything bound what is needed
        most = -(-state.sequences.computed // fixed.block_tokens)
        groups = fixed.full_groups + fixed.window_groups
        _hold(state, bool((held <= most * groups)[live].all()), "a request holds unneeded pages")
        least = (most - fixed.prefix_tokens // fixed.block_tokens) * fixed.full_groups
        _hold(state, bool((held >= least)[live].all()), "a request computed more than it holds")

    def _tokens(self, state: EngineState) -> None:
        made = state.requests.generated
        _hold(state, int(made.sum()) == int(state.admission.tokens[0]), "tokens are lost")
        _hold(state, bool((made <= state.requests.output_tokens).all()), "a request goes on")
        step = made - self.generated
        _hold(state, bool(((step >= 0) & (step <= 1)).all()), "two tokens in a step")
        self.generated = made.copy()
        known = state.requests.input_tokens + made
        _hold(state, bool((state.sequences.computed <= known).all()), "unknown tokens computed")


def _held(state: EngineState) -> int:
    """Pages that requests hold, each counted once."""
    if state.fixed.caching:
        return int((state.prefix.users > 0).sum())
    return int(state.requests.kv_blocks.sum())


def _shared(state: EngineState) -> None:
    """Users of a page are the requests that hold it; the free pages stand in one queue; keys and
    pages point to each other."""
    prefix, pages = state.prefix, len(state.prefix.users)
    rows = [prefix.held[at:at + count] for at, count in
            zip(prefix.first[:-1], state.requests.kv_blocks, strict=True)]
    users = np.bincount(np.concatenate(rows), minlength=pages)
    _hold(state, bool((users == prefix.users).all()), "users of pages are counted wrongly")
    queue: list[int] = []
    at = int(prefix.after[pages])
    while at != pages and len(queue) <= pages:
        queue.append(at)
        at = int(prefix.after[at])
    _hold(state, sorted(queue) == np.flatnonzero(users == 0).tolist()
          and len(queue) == int(state.admission.kv_free[0]), "the queue of free pages is broken")
    given = prefix.page_of[prefix.page_of >= 0]
    keys = np.flatnonzero(prefix.page_of >= 0)
    _hold(state, bool((prefix.key_of[given] == keys).all()), "a key is another page's")


def _limits(state: EngineState) -> None:
    step, fixed = state.step, state.fixed
    _hold(state, int(step.running[0]) <= fixed.most_running, f"{step.running[0]} requests run")
    _hold(state, int(step.tokens[0]) <= fixed.most_tokens, f"a step of {step.tokens[0]} tokens")
    _hold(state, int(step.sampled[0]) <= int(step.rows[0]) <= fixed.most_running,
          f"{step.sampled[0]} of {step.rows[0]} rows sampled")


def _hold(state: EngineState, good: bool, words: str) -> None:
    if not good:
        raise ModelFault(f"{words}, after step {state.work.steps[0]} at "
                         f"{state.control.now_ps[0] * 1e-12:.9g} s of virtual time")
