"""Graphs of GPT-2 (Radford et al. 2019) and ViT (Dosovitskiy et al., arXiv 2010.11929).

Both are blocks of norm, joint projection, attention, projection, sum, norm, two products with a
GELU between, sum. GPT-2's output shares the weights of its embedding. Leaves out dropout, which
GPT-2 had in training at 0.1.
"""

from __future__ import annotations

from typing import NamedTuple

from rackwright.models.training.layers import Builder, Graph, Layer

__all__ = ["GPT2", "VIT", "gpt2", "vit"]

VOCABULARY, TOKENS, CLASSES, SIZE = 50257, 1024, 1000, 224
GROWTH = 4


class Sizes(NamedTuple):
    """Width, heads, blocks; the patch of a ViT."""

    width: int
    heads: int
    blocks: int
    patch: int = 16


GPT2 = {"gpt2": Sizes(768, 12, 12), "gpt2_medium": Sizes(1024, 16, 24),
        "gpt2_large": Sizes(1280, 20, 36), "gpt2_xl": Sizes(1600, 25, 48)}
"""Parameters: 124,439,808; 354,823,168; 774,030,080; 1,557,611,200."""
VIT = {"vit_b16": Sizes(768, 12, 12), "vit_l16": Sizes(1024, 16, 24)}
"""Parameters: 86,567,656; 304,326,632."""


def gpt2(name: str = "gpt2", tokens: int = TOKENS) -> Graph:
    """One of GPT2 on sequences of `tokens`."""
    sizes = GPT2[name]
    build = Builder(name, (tokens,))
    build.embedding((VOCABULARY * sizes.width, TOKENS * sizes.width), (tokens, sizes.width))
    _blocks(build, sizes, causal=True)
    build.linear(VOCABULARY, bias=False, name="logits", shared=True)
    return build.loss()


def vit(name: str = "vit_b16") -> Graph:
    """One of VIT on images of 224 x 224."""
    sizes = VIT[name]
    build = Builder(name, (3, SIZE, SIZE))
    build.conv(sizes.width, sizes.patch, sizes.patch, name="patches")
    tokens = (SIZE // sizes.patch) ** 2 + 1
    build.embedding((sizes.width, tokens * sizes.width), (tokens, sizes.width))
    _blocks(build, sizes, causal=False)
    build.add(_first_token(build), [build.last])
    build.linear(CLASSES, name="head")
    return build.loss()


def _first_token(build: Builder) -> Layer:
    shape = build.shape_of(build.last)
    return Layer("first_token", "flatten", shape, (shape[-1],))


def _blocks(build: Builder, sizes: Sizes, *, causal: bool) -> None:
    for _ in range(sizes.blocks):
        begin = build.last
        build.norm("layer_norm")
        build.linear(3 * sizes.width, name="qkv")
        build.attention(sizes.heads, causal)
        middle = build.plus(build.linear(sizes.width, name="out"), begin)
        build.norm("layer_norm")
        build.linear(GROWTH * sizes.width, name="up")
        build.same("gelu", flops=8)
        build.plus(build.linear(sizes.width, name="down"), middle)
    build.norm("layer_norm")
