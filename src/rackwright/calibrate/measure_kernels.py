"""Measuring attention, norms, activations and copies on a GPU.

Attention is PyTorch's `scaled_dot_product_attention` in bf16 with whatever kernel it picks; cache
"cold" rotates keys and values, as a model whose layers follow each other does, "warm" leaves
them where the last call did. The last query meets the last key. Norms, activations and warm
copies work on the same memory again and again; cold copies rotate theirs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from rackwright.calibrate.tables import Point
from rackwright.calibrate.timing import GraphTimer, rotation

__all__ = ["KernelBench"]

SEED = 11  # of the operands


class KernelBench:
    """Measures the tables `attention`, `pieces` and `memory`."""

    def __init__(self, torch: Any, timer: GraphTimer) -> None:
        self.torch, self.timer = torch, timer
        self.l2 = int(torch.cuda.get_device_properties(0).L2_cache_size)
        self.random = torch.Generator(device="cuda").manual_seed(SEED)

    def attention(self, point: Point) -> dict[str, float]:
        batch, heads, kv_heads, head_dim, q_len, kv_len = point.numbers()
        q = self._normal(batch, q_len, heads, head_dim)
        nbytes = 4 * batch * kv_len * kv_heads * head_dim
        sets = rotation(self.l2, nbytes) if point["cache"] == "cold" else 1
        keys = [self._normal(batch, kv_len, kv_heads, head_dim) for _ in range(sets)]
        values = [self._normal(batch, kv_len, kv_heads, head_dim) for _ in range(sets)]
        mask = {"is_causal": point["causal"] == "yes"}
        if point["phase"] == "extend":
            mask = {"attn_mask": self._lower_right(q_len, kv_len)}
        attend = self.torch.nn.functional.scaled_dot_product_attention
        grouped = heads != kv_heads
        return self.timer(lambda i: attend(q, keys[i], values[i], enable_gqa=grouped, **mask),
                          sets)

    def _lower_right(self, q_len: int, kv_len: int) -> Any:
        bias = importlib.import_module("torch.nn.attention.bias")
        return bias.causal_lower_right(q_len, kv_len)

    def pieces(self, point: Point) -> dict[str, float]:
        tokens, dim = point.numbers()
        return self.timer(self._piece(str(point["op"]), tokens, dim))

    def _piece(self, op: str, tokens: int, dim: int) -> Callable[[int], object]:
        functional = self.torch.nn.functional
        a, b = (self._normal(tokens, dim, order=None) for _ in range(2))
        weight = self._normal(dim, order=None)
        steps: dict[str, Callable[[int], object]] = {
            "add": lambda i: a + b,
            "gelu": lambda i: functional.gelu(a),
            "layer_norm": lambda i: functional.layer_norm(a, (dim,), weight, weight),
            "relu": lambda i: functional.relu(a),
            "rms_norm": lambda i: functional.rms_norm(a, (dim,), weight),
            "silu_mul": lambda i: functional.silu(a) * b,
            "softmax": lambda i: functional.softmax(a, dim=-1),
        }
        return steps[op]

    def memory(self, point: Point) -> dict[str, float]:
        nbytes, = point.numbers()
        op = point["op"]
        touched = nbytes * (2 if op == "copy" else 1)
        sets = rotation(self.l2, touched) if point["residence"] == "cold" else 1
        a = [self._normal(nbytes // 2, order=None) for _ in range(sets)]
        if op == "fill":
            return self.timer(lambda i: a[i].zero_(), sets)
        if op == "scale_inplace":
            return self.timer(lambda i: a[i].mul_(1.0009765625), sets)
        b = [self.torch.empty_like(one) for one in a]
        return self.timer(lambda i: b[i].copy_(a[i]), sets)

    def _normal(self, *shape: int, order: tuple[int, ...] | None = (0, 2, 1, 3)) -> Any:
        """Random bf16; of heads, laid out [batch, length, heads, dim] as projections give them."""
        made = self.torch.randn(shape, dtype=self.torch.bfloat16, device="cuda",
                                generator=self.random)
        return made if order is None else made.permute(order)
