"""The graph of Inception-v3 (Szegedy et al., arXiv 1512.00567), with its branches.

The common implementation for training without the auxiliary head: every convolution has a batch
norm and a ReLU, images are 299 x 299. The tables below give each block's branches as rows of
(channels, kernel); kernels of (height, width). "p" starts a branch with an average pool of 3 x 3;
"x2" means that the last two convolutions start from the same output and both end in the join.
"""

from __future__ import annotations

from rackwright.models.training.layers import Builder, Graph

__all__ = ["inception_v3"]

CLASSES, SIZE = 1000, 299
Kernel = int | tuple[int, int]
LONG, TALL = (1, 7), (7, 1)


def inception_v3() -> Graph:
    """23,834,568 parameters."""
    build = Builder("inception_v3", (3, SIZE, SIZE))
    for channels, kernel, stride, padding in ((32, 3, 2, 0), (32, 3, 1, 0), (64, 3, 1, 1)):
        _conv(build, channels, kernel, stride, padding)
    build.pool(3, 2)
    _conv(build, 80, 1)
    _conv(build, 192, 3)
    build.pool(3, 2)
    for pooled in (32, 64, 64):
        _join(build, [((64, 1),), ((48, 1), (64, 5)), ((64, 1), (96, 3), (96, 3))], pooled)
    _shrink(build, [((384, 3),), ((64, 1), (96, 3), (96, 3))])
    for width in (128, 160, 160, 192):
        _join(build, [((192, 1),), ((width, 1), (width, LONG), (192, TALL)),
                      ((width, 1), (width, TALL), (width, LONG), (width, TALL), (192, LONG))], 192)
    _shrink(build, [((192, 1), (320, 3)), ((192, 1), (192, LONG), (192, TALL), (192, 3))])
    for _ in range(2):
        _wide(build)
    build.average_to(1)
    build.same("dropout")
    build.flatten()
    build.linear(CLASSES)
    return build.loss()


def _conv(build: Builder, channels: int, kernel: Kernel, stride: int = 1,
          padding: Kernel = 0, after: int | None = None) -> int:
    build.conv(channels, kernel, stride, padding, bias=False, after=after)
    build.norm("batch_norm")
    return build.same("relu")


def _same(kernel: Kernel) -> Kernel:
    """The padding that keeps the size."""
    return kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)


def _branch(build: Builder, begin: int, convolutions: tuple[tuple[int, Kernel], ...],
            last_stride: int = 1) -> int:
    node = begin
    for place, (channels, kernel) in enumerate(convolutions):
        shrinks = last_stride > 1 and place == len(convolutions) - 1
        node = _conv(build, channels, kernel, last_stride if shrinks else 1,
                     0 if shrinks else _same(kernel), node)
    return node


def _pooled(build: Builder, begin: int, channels: int) -> int:
    return _conv(build, channels, 1, after=build.pool(3, 1, 1, "average", after=begin))


def _join(build: Builder, branches: list[tuple[tuple[int, Kernel], ...]], pooled: int) -> None:
    begin = build.last
    ends = [_branch(build, begin, branch) for branch in branches]
    build.concat([*ends, _pooled(build, begin, pooled)])


def _shrink(build: Builder, branches: list[tuple[tuple[int, Kernel], ...]]) -> None:
    """Branches that end with a stride of 2, and a max pool."""
    begin = build.last
    ends = [_branch(build, begin, branch, 2) for branch in branches]
    build.concat([*ends, build.pool(3, 2, after=begin)])


def _wide(build: Builder) -> None:
    """The last blocks: two branches fork once more."""
    begin = build.last
    ends = [_branch(build, begin, ((320, 1),))]
    for stem in (((384, 1),), ((448, 1), (384, 3))):
        node = _branch(build, begin, stem)
        ends += [_branch(build, node, ((384, kernel),)) for kernel in ((1, 3), (3, 1))]
    build.concat([*ends, _pooled(build, begin, 192)])
