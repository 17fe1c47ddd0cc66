"""A ResNet-50 training step for the measurements, in plain PyTorch.

The network of He et al. (2015, arXiv 1512.03385) with the stride in the 3 x 3 convolution of a
block, as later versions have it: the layers of `shapes.CONVOLUTIONS`. A step is forward, backward
and SGD with momentum, on random images, in mixed precision (bf16, weights kept in float32),
channels last. Leaves out: loading data, gradient exchange, learning-rate schedules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["network", "training_step"]

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # width, blocks, stride of the first
GROWTH = 4      # channels of a block's end over its width
CLASSES, SIZE = 1000, 224


def training_step(torch: Any, batch: int) -> Callable[[], object]:
    """A function that trains on the same `batch` images once more; memory is allocated here."""
    last = torch.channels_last
    model = network(torch).cuda().to(memory_format=last)
    images = torch.randn(batch, 3, SIZE, SIZE, device="cuda").to(memory_format=last)
    labels = torch.randint(CLASSES, (batch,), device="cuda")
    descent = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, foreach=True)
    loss_of = torch.nn.functional.cross_entropy

    def step() -> object:
        descent.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = loss_of(model(images), labels)
        loss.backward()
        descent.step()
        return loss
    return step


def network(torch: Any) -> Any:
    """25,557,032 weights; takes images of 224 x 224."""
    nn = torch.nn
    layers = [_conv(nn, 3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, blocks, stride in STAGES:
        for place in range(blocks):
            layers.append(_block(torch, channels, width, stride if place == 0 else 1))
            channels = GROWTH * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(channels, CLASSES))


def _conv(nn: Any, inputs: int, outputs: int, kernel: int, stride: int = 1) -> Any:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                         nn.BatchNorm2d(outputs))


def _block(torch: Any, channels: int, width: int, stride: int) -> Any:
    """Three convolutions beside a shortcut, which is one where the shape changes."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                _conv(nn, channels, width, 1), nn.ReLU(inplace=True),
                _conv(nn, width, width, 3, stride), nn.ReLU(inplace=True),
                _conv(nn, width, GROWTH * width, 1))
            same = stride == 1 and channels == GROWTH * width
            self.shortcut = nn.Identity() if same else _conv(nn, channels, GROWTH * width, 1,
                                                             stride)
            self.out = nn.ReLU(inplace=True)

        def forward(self, x: Any) -> Any:
            return self.out(self.body(x) + self.shortcut(x))
    return Block()
