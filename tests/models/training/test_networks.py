"""Networks against their published parameter counts, and what any graph must satisfy."""

from __future__ import annotations

from math import prod

import networkx as nx
import pytest

from rackwright.errors import UnknownName
from rackwright.models.training import (
    flops_of,
    layers_of,
    network,
    network_names,
    parameters_of,
    tensors_of,
)

# torchvision's documentation of its weights; for GPT-2 the sums of its published checkpoints
PUBLISHED = {"vgg16": 138_357_544, "resnet50": 25_557_032, "wide_resnet101_2": 126_886_696,
             "inception_v3": 27_161_264 - 3_326_696,  # less the auxiliary head
             "vit_b16": 86_567_656, "vit_l16": 304_326_632, "gpt2": 124_439_808,
             "gpt2_medium": 354_823_168, "gpt2_large": 774_030_080, "gpt2_xl": 1_557_611_200}
# multiply-accumulates of a sample, torchvision's documentation (10**9)
GMACS = {"vgg16": 15.47, "resnet50": 4.09, "wide_resnet101_2": 22.75, "inception_v3": 5.71,
         "vit_b16": 17.56, "vit_l16": 61.55}


@pytest.mark.parametrize("name", network_names())
def test_parameters_are_the_published_ones(name):
    assert parameters_of(network(name)) == PUBLISHED[name]


@pytest.mark.parametrize("name", GMACS)
def test_operations_are_the_published_ones(name):
    graph = network(name)
    products = sum(layer.flops for layer in layers_of(graph)
                   if layer.kind in ("conv", "linear", "attention")) / 2e9
    assert products == pytest.approx(GMACS[name], rel=0.01)
    assert flops_of(graph) / 2e9 == pytest.approx(GMACS[name], rel=0.02)


@pytest.mark.parametrize("name", ["inception_v3", "resnet50", "gpt2", "vit_b16", "vgg16"])
def test_a_network_is_one_connected_graph_in_order(name):
    graph = network(name)
    assert nx.is_directed_acyclic_graph(graph) and nx.is_weakly_connected(graph)
    assert sorted(graph) == list(range(len(graph))) and all(a < b for a, b in graph.edges)
    assert [node for node in graph if not graph.in_degree(node)] == [0]
    assert [node for node in graph if not graph.out_degree(node)] == [len(graph) - 1]


@pytest.mark.parametrize("name", ["inception_v3", "resnet50", "gpt2", "vit_b16", "vgg16"])
def test_shapes_fit_along_all_edges(name):
    graph = network(name)
    layers = layers_of(graph)
    for node, layer in enumerate(layers):
        before = [layers[one].shape_out for one in graph.predecessors(node)]
        if layer.kind == "concat":
            assert sum(shape[0] for shape in before) == layer.shape_in[0]
        elif layer.kind == "add":
            assert len(before) == 2 and set(before) == {layer.shape_in}
        elif before:
            assert before == [layer.shape_in]
        assert sum(layer.tensors) == layer.parameters and prod(layer.shape_out) > 0


def test_tensors_are_those_of_the_layers():
    graph = network("resnet50")
    assert len(tensors_of(graph)) == 161  # as a profiled step has
    assert sum(size for _, size in tensors_of(graph)) == parameters_of(graph)


def test_an_unknown_network():
    with pytest.raises(UnknownName, match="Did you mean 'resnet50'"):
        network("resnet5")
