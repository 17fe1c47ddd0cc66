"""Golden of the top-k block: the k best of scored items, as a kernel.

Higher scores are better; NaN comes last; -0 equals +0; of equal scores the earlier item comes
first. That is a stable sort by falling score, cut after k.

Left out: how the items came to their scores.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["top_k", "top_k_places"]


@kernel
def top_k(scores, best):  # type: ignore[no-untyped-def]
    """Write the places of the best scores to `best` (int64, shape (k,)), best first.

    Gives how many there are: the smaller of k and the number of scores.
    """
    held = 0
    for item in range(scores.size):
        score = scores[item]
        place = held
        while place > 0:
            other = scores[best[place - 1]]
            # NaN is unequal to itself and below everything else
            worse = score > other or (other != other and score == score)
            if not worse:
                break
            if place < best.size:
                best[place] = best[place - 1]
            place -= 1
        if place < best.size:
            best[place] = item
            if held < best.size:
                held += 1
    return held


def top_k_places(scores: npt.NDArray[np.float32] | npt.NDArray[np.float64], k: int
                 ) -> npt.NDArray[np.int64]:
    """Places of the k best scores, best first; fewer if there are fewer. Raises UsageError.

    >>> top_k_places(np.array([1.0, np.nan, 3.0, 3.0, -1.0]), 3).tolist()
    [2, 3, 0]
    """
    if k < 1:
        raise UsageError(f"the k best for k={k}: k must be at least 1")
    best = np.zeros(k, np.int64)
    return best[:top_k(scores, best)]
