"""Bad files of the catalog are one error that names the file, the key and what is expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rackwright.errors import CatalogError
from rackwright.models.llm import files

GOOD: dict[str, Any] = {
    "name": "x", "blocks": 2, "hidden": 64, "ffn": 128, "experts": 4, "heads": 4, "kv_heads": 2,
    "head_dim": 16, "dtype": "bf16", "dtype_bytes": 2, "source": "made here"}
PLACE = Path("x.toml")


def refusal(**changes: Any) -> str:
    values = {**GOOD, **changes}
    with pytest.raises(CatalogError) as caught:
        files.shape_from({key: value for key, value in values.items() if value is not None}, PLACE)
    assert "x.toml" in str(caught.value)
    return str(caught.value)


def test_defaults() -> None:
    found = files.shape_from(GOOD, PLACE)
    assert (found.experts_per_token, found.ffn_matrices, found.vocab) == (1, 3, 0)
    assert not found.tied


@pytest.mark.parametrize(("changes", "words"), [
    ({"blocks": None}, "keys ['blocks'] are unknown or missing"),
    ({"layers": 3}, "keys ['layers'] are unknown or missing"),
    ({"blocks": "2"}, "blocks = '2': expected int"),
    ({"qk_norm": 1}, "qk_norm = 1: expected bool"),
    ({"hidden": 0}, "hidden = 0: expected at least 1"),
    ({"dtype": "fp7"}, "dtype = 'fp7': known are"),
    ({"expert_dtype": "int3"}, "expert_dtype = 'int3': known are"),
    ({"heads": 3}, "heads = 3: no multiple of kv_heads"),
    ({"experts_per_token": 5}, "experts_per_token = 5: there are 4 experts"),
    ({"dense_blocks": 1}, "dense_blocks and dense_ffn go together"),
    ({"window": 8}, "window and window_blocks go together"),
    ({"window": 8, "window_blocks": 3}, "window_blocks = 3: there are 2 blocks"),
    ({"kv_rank": 8}, "latent attention (kv_rank) needs")])
def test_faults(changes: dict[str, Any], words: str) -> None:
    assert words in refusal(**changes)


def test_likes_lead_somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_FOLDER", tmp_path)
    (tmp_path / "a.toml").write_text('[model]\nlike = "b"\n')
    (tmp_path / "b.toml").write_text('[model]\nlike = "a"\n')
    (tmp_path / "c.toml").write_text('[model]\nlike = "d"\n')
    (tmp_path / "e.toml").write_text("[shape]\nblocks = 2\n")
    for name, words in (("a", "round in a circle"), ("c", "no model of the catalog"),
                        ("e", "expected [model] alone")):
        with pytest.raises(CatalogError) as caught:
            files.shape.__wrapped__(name)
        assert words in str(caught.value)
