"""Laws of request lengths: how many prompt and answer tokens a generated request has.

`UniformLengths` draws both independently, as the AEP paper does. `FittedLengths` draws whole
(input, output) pairs of a real trace with replacement, which keeps both marginals and their
dependence and invents no length; it cannot give a length that the trace does not hold. What is
left out: parametric fits (lognormal and the like), dependence between successive requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.traces.requests import MAX_TOKENS, RequestTrace

__all__ = ["MEDIUM", "REASONABLE", "SHORT", "FittedLengths", "Lengths", "Uniform",
           "UniformLengths", "fitted_lengths"]

_Tokens = npt.NDArray[np.int64]


class Lengths(Protocol):
    """A law of lengths: draws `count` (input, output) tokens and names itself."""

    def draw(self, count: int, inputs: np.random.Generator, outputs: np.random.Generator
             ) -> tuple[_Tokens, _Tokens]:
        """int64 tokens of shape (count,); the two generators are independent streams."""
        ...

    @property
    def text(self) -> str:
        """One line for the `source` of a trace."""
        ...


@dataclass(frozen=True)
class Uniform:
    """Whole numbers from `low` to `high`, both included. Raises UsageError."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= MAX_TOKENS:
            raise UsageError(f"uniform lengths {self.low}-{self.high}: expected 1 <= low <= high "
                             f"<= {MAX_TOKENS} tokens")

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


@dataclass(frozen=True)
class UniformLengths:
    """Input and output lengths, each uniform and independent of the other."""

    input_tokens: Uniform
    output_tokens: Uniform

    def draw(self, count: int, inputs: np.random.Generator, outputs: np.random.Generator
             ) -> tuple[_Tokens, _Tokens]:
        """See Lengths."""
        low, high = self.input_tokens.low, self.input_tokens.high
        entered = inputs.integers(low, high, count, endpoint=True)
        low, high = self.output_tokens.low, self.output_tokens.high
        return entered, outputs.integers(low, high, count, endpoint=True)

    @property
    def text(self) -> str:
        return f"input uniform {self.input_tokens}, output uniform {self.output_tokens} tokens"


# The three workloads of the AEP paper (arXiv 2505.08944, evaluation set-up): lengths are uniform.
SHORT = UniformLengths(Uniform(30, 70), Uniform(70, 130))
MEDIUM = UniformLengths(Uniform(50, 150), Uniform(50, 250))
REASONABLE = UniformLengths(Uniform(100, 300), Uniform(100, 500))


@dataclass(frozen=True)
class FittedLengths:
    """(input, output) pairs of `trace`, drawn with replacement."""

    trace: RequestTrace = field(repr=False)

    def draw(self, count: int, inputs: np.random.Generator, outputs: np.random.Generator
             ) -> tuple[_Tokens, _Tokens]:
        """See Lengths; `inputs` picks the pairs, `outputs` is not used."""
        rows = inputs.integers(0, len(self.trace), count)
        return self.trace.input_tokens[rows], self.trace.output_tokens[rows]

    @property
    def text(self) -> str:
        return (f"length pairs drawn from {self.trace.name} "
                f"({len(self.trace)} requests, sha256 {self.trace.content_hash[:12]})")


def fitted_lengths(trace: RequestTrace) -> FittedLengths:
    """The joint lengths of a real trace, for `generate_requests(lengths=...)`."""
    return FittedLengths(trace)
