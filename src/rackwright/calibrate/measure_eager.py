"""Measuring what single operations cost the host that launches them (`eager_plan` has the plan).

Each chain runs forward only and forward with backward, again and again for CHAIN_TIME, ROUNDS
times, with a probe before each; the first GPU's medians count. A host may be slow for a while: a
time is divided by the probe beside it before medians are taken, and the median probe put back.

Needs PyTorch. Data-parallel chains run on all GPUs of the point at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rackwright.calibrate.eager_plan import PROBE, ChainPoint

__all__ = ["EagerBench", "Probe"]

WIDTH, PIXELS, TOKENS, HEADS, CLASSES = 64, 7, 16, 4, 1000  # of the tensors of chains
PROBE_BLOCKS, PROBE_STEPS = 24, 6
ROUNDS, CHAIN_STEPS = 5, 12
WARM_STEPS = 12                     # data-parallel buckets are laid out anew after the first


class Probe:
    """Seconds of a step of the probe's chain, on one GPU."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        forward, step = _chain(torch, ChainPoint(PROBE, "tf32", 1, PROBE_BLOCKS), None)
        self.step = step or forward
        for _ in range(WARM_STEPS):
            self.step()

    def __call__(self) -> float:
        return _elapsed(self.torch, self.step, PROBE_STEPS)


class EagerBench:
    """Measures points on GPU `rank`; `wrap` makes a module data parallel over so many GPUs."""

    def __init__(self, torch: Any, rank: int, wrap: Callable[..., Any]) -> None:
        self.torch, self.rank, self.wrap = torch, rank, wrap
        self.probe: Probe | None = None

    def __call__(self, point: ChainPoint) -> dict[str, float]:
        """The values of a row. Two GPUs measure at once, those of one GPU too."""
        if self.rank >= 2:
            return {}
        self.probe = self.probe or Probe(self.torch)
        forward, step = _optimizer(self.torch, point) \
            if point.chain.startswith(("sgd", "adam")) else _chain(self.torch, point, self.wrap)
        found, probes = [], []
        for _ in range(WARM_STEPS):
            (step or forward)()
        for _ in range(ROUNDS):
            before = self.probe()
            first = 0.0 if point.gpus > 1 else _elapsed(self.torch, forward, CHAIN_STEPS)
            whole = _elapsed(self.torch, step, CHAIN_STEPS) if step else first
            probes.append((before + self.probe()) / 2)
            found.append((first / probes[-1], (whole - first) / probes[-1]))
        typical = _median(probes)
        return {"forward_us": _median([one for one, _ in found]) * typical * 1e6,
                "backward_us": max(_median([two for _, two in found]), 0.0) * typical * 1e6,
                "probe_us": typical * 1e6}


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _elapsed(torch: Any, work: Callable[[], object], count: int) -> float:
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(count):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - begin) / count


def _chain(torch: Any, point: ChainPoint, wrap: Callable[..., Any] | None
           ) -> tuple[Callable[[], object], Callable[[], object] | None]:
    """(forward, forward and backward) of a chain."""
    name = {"ddp_few": "conv1", "ddp_many": "conv1", "ddp_buckets": "conv1",
            "ddp_norm": "norm"}.get(point.chain, point.chain)
    last = torch.channels_last
    model = torch.nn.Sequential(*(_block(torch, name) for _ in range(point.blocks)))
    model = model.cuda().to(memory_format=last)
    inputs = _inputs(torch, name)
    if point.gpus > 1 and wrap:
        model = wrap(model, point.gpus, 0.001 if point.chain == "ddp_buckets" else 25)
    weights, half = list(model.parameters()), point.dtype == "bf16"
    labels = torch.zeros(1, dtype=torch.long, device="cuda")
    logits = torch.zeros(1, CLASSES, device="cuda", requires_grad=True,
                         dtype=torch.bfloat16 if half else torch.float32)
    loss_of = torch.nn.functional.cross_entropy

    def forward() -> Any:
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=half):
            if name == "loss":
                return loss_of(logits, labels)
            return model(inputs)
    gradient: list[Any] = []

    def step() -> object:
        for weight in weights:
            weight.grad = None
        logits.grad = inputs.grad = None
        out = forward()
        if not gradient:
            gradient.append(torch.ones_like(out))
        out.backward(gradient[0])
        return out
    return forward, step


def _inputs(torch: Any, name: str) -> Any:
    shape: tuple[int, ...] = (1, WIDTH, PIXELS, PIXELS)
    if name == "embedding":
        return torch.zeros(1, TOKENS, dtype=torch.long, device="cuda")
    if name.startswith("tokens"):
        shape = 1, TOKENS, WIDTH
    elif name in ("linear", "dropout"):
        shape = 1, WIDTH
    made = torch.randn(*shape, device="cuda")
    if len(shape) == 4:
        made = made.to(memory_format=torch.channels_last)
    return made.requires_grad_()


def _block(torch: Any, name: str) -> Any:
    """One block; layers as in the networks (`networks`, `resnet`)."""
    nn = torch.nn
    plain = {
        "conv1": lambda: nn.Conv2d(WIDTH, WIDTH, 1, bias=False),
        "conv3": lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        "conv3_bias": lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
        "norm": lambda: nn.BatchNorm2d(WIDTH),
        "norm_relu": lambda: nn.Sequential(nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True)),
        "pool": lambda: nn.MaxPool2d(3, 1, 1),
        "linear": lambda: nn.Linear(WIDTH, WIDTH),
        "dropout": lambda: nn.Dropout(),
        "empty": lambda: nn.Identity(),
        "loss": lambda: nn.Identity(),
        "tokens": lambda: nn.Linear(WIDTH, WIDTH)}
    return plain[name]() if name in plain else _composed(torch, name)


def _composed(torch: Any, name: str) -> Any:
    nn = torch.nn

    class Shortcut(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self, body: Any) -> None:
            super().__init__()
            self.body = body

        def forward(self, x: Any) -> Any:
            return x + self.body(x)

    class Attention(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            heads = self.qkv(x).view(1, TOKENS, 3, HEADS, -1)
            q, k, v = heads.permute(2, 0, 3, 1, 4)
            seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(seen.transpose(1, 2).reshape(1, TOKENS, WIDTH))

    class Lookup(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        """Tokens and places looked up and added, then a product."""

        def __init__(self) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(WIDTH, WIDTH), nn.Embedding(TOKENS, WIDTH)
            self.after = nn.Linear(WIDTH, WIDTH)

        def forward(self, tokens: Any) -> Any:
            places = torch.arange(TOKENS, device=tokens.device)
            return self.after(self.words(tokens) + self.places(places))
    made = {
        "norm_sum": lambda: Shortcut(nn.BatchNorm2d(WIDTH)),
        "tokens_sum": lambda: Shortcut(nn.Linear(WIDTH, WIDTH)),
        "tokens_norm": lambda: Shortcut(nn.Sequential(nn.LayerNorm(WIDTH),
                                                      nn.Linear(WIDTH, WIDTH))),
        "tokens_gelu": lambda: Shortcut(nn.Sequential(
            nn.Linear(WIDTH, WIDTH), nn.GELU(approximate="tanh"), nn.Linear(WIDTH, WIDTH))),
        "tokens_attention": lambda: Shortcut(Attention()),
        "embedding": Lookup}
    return made[name]()


def _optimizer(torch: Any, point: ChainPoint) -> tuple[Callable[[], object], None]:
    """A step and the dropping of gradients, over `blocks` small tensors."""
    weights = [torch.nn.Parameter(torch.zeros(WIDTH, device="cuda")) for _ in range(point.blocks)]
    gradients = [torch.zeros_like(weight) for weight in weights]
    descent = torch.optim.AdamW(weights, lr=1e-4, fused=True) \
        if point.chain.startswith("adam") else \
        torch.optim.SGD(weights, lr=1e-3, momentum=0.9, foreach=True)

    def step() -> None:
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        descent.step()
        descent.zero_grad(set_to_none=True)
    return step, None


