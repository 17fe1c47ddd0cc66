"""Networks by name.

>>> from rackwright.models.training import network, parameters_of
>>> parameters_of(network("resnet50"))
25557032
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rackwright.errors import UnknownName
from rackwright.models.training.convolutional import resnet50, vgg16, wide_resnet101_2
from rackwright.models.training.inception import inception_v3
from rackwright.models.training.layers import Graph, layers_of
from rackwright.models.training.transformers import GPT2, VIT, gpt2, vit

__all__ = ["flops_of", "network", "network_names", "parameters_of", "tensors_of"]

_NETWORKS: Mapping[str, Callable[[], Graph]] = {
    "inception_v3": inception_v3, "resnet50": resnet50, "vgg16": vgg16,
    "wide_resnet101_2": wide_resnet101_2,
    **{name: partial(gpt2, name) for name in GPT2}, **{name: partial(vit, name) for name in VIT}}


def network_names() -> tuple[str, ...]:
    """Names that `network` takes, sorted."""
    return tuple(sorted(_NETWORKS))


def network(name: str) -> Graph:
    """The graph of a network (see `layers`). Raises UnknownName."""
    if name not in _NETWORKS:
        raise UnknownName("network", name, _NETWORKS)
    return _NETWORKS[name]()


def parameters_of(graph: Graph) -> int:
    """Parameters of all layers."""
    return sum(layer.parameters for layer in layers_of(graph))


def tensors_of(graph: Graph) -> list[tuple[int, int]]:
    """(layer, parameters) of each weight tensor, in the order of layers."""
    return [(place, size) for place, layer in enumerate(layers_of(graph))
            for size in layer.tensors]


def flops_of(graph: Graph) -> int:
    """Forward flops of one sample; twice the multiply-accumulates."""
    return sum(layer.flops for layer in layers_of(graph))
