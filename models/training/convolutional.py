"""Graphs of VGG-16, ResNet-50 and wide ResNet-101-2, each with its loss.

VGG-16: Simonyan and Zisserman, arXiv 1409.1556, configuration D. ResNet-50: He et al., arXiv
1512.03385, the stride in the 3 x 3 convolution. Wide ResNet-101-2: Zagoruyko and Komodakis, arXiv
1605.07146: bottlenecks twice as wide inside. 1,000 classes, images of 224 x 224.
"""

from __future__ import annotations

from rackwright.models.training.layers import Builder, Graph

__all__ = ["resnet50", "vgg16", "wide_resnet101_2"]

CLASSES, SIZE = 1000, 224
VGG = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions before a pool
GROWTH = 4  # channels of a bottleneck's end over its planes


def vgg16() -> Graph:
    """138,357,544 parameters."""
    build = Builder("vgg16", (3, SIZE, SIZE))
    for channels, count in VGG:
        for _ in range(count):
            build.conv(channels, 3, 1, 1)
            build.same("relu")
        build.pool(2, 2)
    build.flatten()
    for _ in range(2):
        build.linear(4096)
        build.same("relu")
        build.same("dropout")
    build.linear(CLASSES)
    return build.loss()


def resnet50() -> Graph:
    """25,557,032 parameters."""
    return _resnet("resnet50", (3, 4, 6, 3), 1)


def wide_resnet101_2() -> Graph:
    """126,886,696 parameters."""
    return _resnet("wide_resnet101_2", (3, 4, 23, 3), 2)


def _resnet(name: str, blocks: tuple[int, ...], widening: int) -> Graph:
    build = Builder(name, (3, SIZE, SIZE))
    _conv(build, 64, 7, 2, relu=True)
    build.pool(3, 2, 1)
    for stage, count in enumerate(blocks):
        planes = 64 << stage
        for place in range(count):
            _bottleneck(build, planes, widening, 2 if stage and place == 0 else 1)
    build.average_to(1)
    build.flatten()
    build.linear(CLASSES)
    return build.loss()


def _conv(build: Builder, channels: int, kernel: int, stride: int = 1, *, relu: bool = False,
          after: int | None = None) -> int:
    """A convolution and its batch norm."""
    build.conv(channels, kernel, stride, kernel // 2, bias=False, after=after)
    node = build.norm("batch_norm")
    return build.same("relu") if relu else node


def _bottleneck(build: Builder, planes: int, widening: int, stride: int) -> None:
    """1 x 1, 3 x 3, 1 x 1 beside a shortcut, which is a 1 x 1 where the shape changes."""
    begin = build.last
    _conv(build, planes * widening, 1, relu=True)
    _conv(build, planes * widening, 3, stride, relu=True)
    body = _conv(build, GROWTH * planes, 1)
    other = begin
    if build.shape_of(begin) != build.shape_of(body):
        other = _conv(build, GROWTH * planes, 1, stride, after=begin)
    build.plus(body, other)
    build.same("relu")
