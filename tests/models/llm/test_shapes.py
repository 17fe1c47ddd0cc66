"""Shapes of language models: totals that their publishers state, and what follows from widths."""

from __future__ import annotations

import pytest

from rackwright.errors import UnknownName
from rackwright.models.llm import LlmShape, shape, shape_names

# parameters in billions, as the publishers round them: model cards and papers named in the files
PUBLISHED = {"mixtral-8x7b": 46.7, "mixtral-8x22b": 140.6, "llama-3-8b": 8.03, "llama-3-70b": 70.6,
             "qwen2.5-7b": 7.62, "qwen2.5-32b": 32.8, "qwen3-30b-a3b": 30.5, "deepseek-v3": 671.0,
             "llama-4-scout": 107.8, "gpt-oss-120b": 116.8, "gpt-oss-20b": 20.9}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_parameters_add_up(name: str) -> None:
    assert shape(name).parameters / 1e9 == pytest.approx(PUBLISHED[name], rel=0.002)


# gpt-oss: arXiv 2508.10925 table 1, checkpoint sizes of 60.8 and 12.8 GiB
@pytest.mark.parametrize(("name", "gib"), [("gpt-oss-120b", 60.8), ("gpt-oss-20b", 12.8)])
def test_checkpoint_of_packed_experts(name: str, gib: float) -> None:
    model = shape(name)
    total = (model.blocks * (model.attention_bytes + model.experts * model.expert_bytes)
             + model.vocab_bytes)
    assert total / 2**30 == pytest.approx(gib, rel=0.01)


def test_every_file_reads() -> None:
    for name in shape_names():
        found = shape(name)
        assert found.name == name and found.source
        assert found.kv_bytes_per_token > 0 and found.projection_weights > 0


def test_an_unknown_model() -> None:
    with pytest.raises(UnknownName, match="llama-3-8b"):
        shape("llama-3-8")


def test_latent_attention_keeps_one_row() -> None:
    model = shape("deepseek-v3")
    assert model.kv_bytes_per_token == 61 * 576 * 2
    assert model.rank_kv_bytes(8) == model.rank_kv_bytes(1)
    # the products around attention: 187.1 million weights a block
    assert model.projection_weights == 7168 * (1536 + 576) + 1536 * 128 * 192 \
        + 512 * 128 * 256 + 128 * 128 * 7168


@pytest.mark.parametrize("name", ["llama-3-70b", "mixtral-8x7b", "gpt-oss-20b", "deepseek-v3"])
@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_ranks_share_what_can_be_shared(name: str, ranks: int) -> None:
    model = shape(name)
    one, many = model.projections(1), model.projections(ranks)
    low_rank = model.q_rank and one[0]  # on every rank
    for whole, part in zip(one, many, strict=True):
        assert whole[0] * whole[1] == part[0] * part[1] * (1 if whole == low_rank else ranks)


def test_key_value_heads_are_repeated_not_split() -> None:
    model = shape("qwen2.5-7b")  # 28 heads over 4
    assert model.projections(14)[0] == ((2 + 2) * 128, 3584)
    assert model.rank_kv_bytes(14) == 2 * 128 * 2


def test_a_dense_model_is_one_expert() -> None:
    model = shape("llama-3-8b")
    assert model.experts == model.experts_per_token == 1
    assert model.blocks * (model.expert_bytes + model.attention_bytes) + model.vocab_bytes \
        == pytest.approx(2 * model.parameters, rel=1e-4)


def test_inheritance() -> None:
    whole, part = shape("gpt-oss-120b"), shape("gpt-oss-20b")
    assert (part.hidden, part.window, part.vocab) == (whole.hidden, whole.window, whole.vocab)
    assert (part.blocks, part.experts, part.source) == (24, 32, part.source)
    assert isinstance(part, LlmShape)
