"""Options and costs of layers: splits, interpolation, transfers, gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rackwright import topologies
from rackwright.errors import OptionsError, UsageError
from rackwright.models.deeppool.costs import (
    build_costs,
    code_elements,
    keyed_times,
    layer_times,
    splits,
)
from rackwright.models.deeppool.network import FabricNetwork, FlatNetwork, moved_pairs
from rackwright.traces import LayerProfile

Make = Callable[..., LayerProfile]


def test_a_batch_is_split_evenly_or_not_at_all() -> None:
    assert splits(16, 8) == [1, 2, 4, 8]
    assert splits(12, 64) == [1, 2, 4]
    assert splits(7, 8) == [1]
    assert splits(32, 7) == [1, 2, 4]
    with pytest.raises(UsageError, match="a batch of 0 on 8 GPUs"):
        splits(0, 8)


def test_times_are_exact_at_profiled_batches_and_bounded_between() -> None:
    times, batches = np.array([[8.0, 5.0, 3.0]]), np.array([8, 4, 2])
    found = layer_times(times, batches, np.array([2, 3, 4, 6, 8, 16, 1]))
    assert found[0].tolist() == [3.0, 4.0, 5.0, 6.5, 8.0, 16.0, 3.0]


def test_batches_without_a_profile_are_named(random_profile: Make, flat: FlatNetwork) -> None:
    assert build_costs(random_profile(1, 3), flat, 64, 8).guessed == (64,)
    assert build_costs(random_profile(1, 3), flat, 32, 8).guessed == ()


@pytest.mark.parametrize(("source", "target"), [(1, 2), (1, 8), (2, 8), (4, 8), (8, 1), (8, 4)])
def test_a_change_moves_each_sample_once(source: int, target: int) -> None:
    """Every GPU ends with its share: what it keeps and what it is sent; senders send as much."""
    batch, few, many = 16, min(source, target), max(source, target)
    pairs = moved_pairs(source, target)
    share = batch // many                     # samples of a transfer
    assert len(set(pairs)) == len(pairs) == many - few
    held = {rank: batch // source if rank < source else 0 for rank in range(many)}
    for sender, receiver in pairs:
        held[sender] -= share
        held[receiver] += share
    assert held == {rank: batch // target if rank < target else 0 for rank in range(many)}


def test_a_change_costs_as_much_in_both_directions_and_nothing_where_there_is_none(
        random_profile: Make, flat: FlatNetwork) -> None:
    costs = build_costs(random_profile(2, 6), flat, 32, 8)
    assert np.array_equal(costs.move_time, costs.move_time.transpose(0, 2, 1))
    assert not costs.move_time[:, range(4), range(4)].any()
    assert (costs.away_time >= costs.move_time).all()


def test_a_ring_sends_its_passes_and_sums_what_numpy_does() -> None:
    """2 (g - 1) / g of the buffer a GPU; the sum is that of all."""
    g, size = 4, 12
    parts = np.random.default_rng(0).integers(-9, 9, (g, size))
    held = parts.copy().reshape(g, g, size // g)
    sent = np.zeros(g)
    for step in range(2 * (g - 1)):
        chunks = [(rank, (rank - step) % g) for rank in range(g)]
        moving = [held[rank, chunk].copy() for rank, chunk in chunks]
        for (rank, chunk), data in zip(chunks, moving, strict=True):
            sent[rank] += data.size
            to = (rank + 1) % g
            held[to, chunk] = held[to, chunk] + data if step < g - 1 else data
    assert (held.reshape(g, size) == parts.sum(axis=0)).all()
    network = FlatNetwork(1.0, 0.0)
    assert (sent == network.all_reduce_time(size, g)).all()
    assert FlatNetwork(1.0, 0.0, 9.0).all_reduce_time(size, g) == size
    assert FlatNetwork(1.0, 0.0, 0.5).all_reduce_time(size, g) == 2 * size
    assert network.all_reduce_time(size, 1) == 0


def test_gradients_of_layers_add_up_to_those_of_all(random_profile: Make) -> None:
    fabric = topologies.compile(topologies.dgx("a100-sxm-80", hosts=1))
    profile = random_profile(3, 9)
    for network in (FlatNetwork(1e11, 1e-5), FabricNetwork(fabric, fabric.gpus())):
        costs = build_costs(profile, network, 32, 8)
        whole = [network.all_reduce_time(4.0 * int(profile.parameters.sum()), gpus)
                 for gpus in (1, 2, 4, 8)]
        assert costs.sync_time.sum(axis=0) == pytest.approx(whole)


def test_a_fabric_prices_transfers_by_its_links(random_profile: Make) -> None:
    """Half the bandwidth of every link makes large transfers take nearly twice as long."""
    graph = topologies.dgx("a100-sxm-80", hosts=1)
    nbytes = np.array([1e8])
    whole, half = (FabricNetwork(fabric, fabric.gpus()).move_time(nbytes, 1, 8)[0]
                   for fabric in (topologies.compile(graph),
                                  topologies.compile(topologies.scale(graph, "h0/gpu*->h0/nvswitch",
                                                                      rate=0.5))))
    assert 1.6 < half / whole < 2.0


def chain(*texts: str) -> LayerProfile:
    kinds = tuple(text.partition("2d")[0].partition("{")[0].lower() for text in texts)
    count = len(texts)
    return LayerProfile("made", "made", texts, kinds, np.full(count, 7), np.full(count, 5),
                        np.array([2, 1]), np.arange(2.0 * count).reshape(count, 2),
                        tuple((at, at + 1) for at in range(count - 1)))


def test_the_published_code_counts_few_gradients() -> None:
    square = 'conv2d{"kernel_size":3,"out_channels":10}[3,8,8]'
    oblong = 'conv2d{"kernel_size":[1,7],"out_channels":10}[3,8,8]'
    found = code_elements(chain(square, oblong, 'linear{"in_features":4}[4]', "bottleneck"))
    assert found.tolist() == [3 * 11, 7 * 11, 7, 0]


def test_counting_as_the_code_does_needs_kernels_and_the_flat_network(flat: FlatNetwork) -> None:
    with pytest.raises(OptionsError, match="layer 0 of made .* does not name: write sync=param"):
        build_costs(chain("conv"), flat, 2, 2, sync="code")
    fabric = topologies.compile(topologies.dgx("a100-sxm-80", hosts=1))
    with pytest.raises(OptionsError, match="network=flat"):
        build_costs(chain("linear"), FabricNetwork(fabric, fabric.gpus()), 2, 2, sync="code")


def test_a_keyed_table_keeps_the_last_of_equal_layers() -> None:
    found = keyed_times(chain("linear{}[4]", "relu{}[4]", "linear{}[4]"))
    assert found.tolist() == [[4.0, 5.0], [2.0, 3.0], [4.0, 5.0]]
