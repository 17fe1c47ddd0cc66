"""What a part file may say, and the one error that each mistake gives."""

from __future__ import annotations

import pytest

from rackwright.devices import catalog
from rackwright.errors import CatalogError

GOOD = """\
[part]
name = "x"
kind = "nic"
pcie = "gen4-x16"

[datasheet]
rate = { value = 200, unit = "Gbps", source = "sheet" }
ports = { value = 1, unit = "1", source = "sheet" }
latency = { value = 600, unit = "ns", source = "sheet" }
"""


def load(tmp_path, text):
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    return catalog.load_part(path)


def test_the_good_file_is_good(tmp_path):
    assert load(tmp_path, GOOD).rate_bps == 200e9


@pytest.mark.parametrize("old, new, line, says", [
    ("200, unit", "200, unnit", 7, "rate must be {value = number, unit = text, source = text}"),
    ('"Gbps"', '"Gbips"', 7, "rate"),
    ('"Gbps"', '"MB"', 7, "rate"),
    ("200,", "true,", 7, "value must be a number"),
    ("200,", "-200,", 7, "rate"),
    ('source = "sheet" }\nports', 'source = " " }\nports', 7, "source must say where 200"),
    ("rate =", "speed =", 6, "lacks rate (a rate)"),
    ("latency =", "latncy =", 6, "lacks latency"),
    ("ports = { value = 1,", "ports = { value = 1.5,", 8, "1.5 is no count"),
    ('unit = "1"', 'unit = "ports"', 8, "unit must be '1', not 'ports'"),
    ("[datasheet]", "colour = \"red\"\n[datasheet]", 6, "unknown key colour in [part] of a nic"),
    ("ports =", "colour = { value = 1, unit = \"1\", source = \"s\" }\nports =", 8,
     "unknown key colour in [datasheet] of a nic; allowed: idle_power"),
    ("[datasheet]", "[data]\n[datasheet]", 6, "unknown section [data]"),
    ('kind = "nic"', 'kind = "nick"', 3, "unknown kind 'nick'; allowed: collectives, cpu"),
    ('kind = "nic"', "", 1, "[part] needs kind"),
    ('pcie = "gen4-x16"', "", 1, "needs pcie"),
    ("[datasheet]", "[calibration.speed]\nx = 1\n[datasheet]", 6,
     "unknown key speed in [calibration] of a nic"),
])
def test_each_mistake_names_its_line(tmp_path, old, new, line, says):
    assert old in GOOD
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'x.toml'}:{line}: "), message
    assert says in message


def test_not_toml_and_not_there(tmp_path):
    with pytest.raises(CatalogError, match=r"not TOML.*line 3"):
        load(tmp_path, GOOD.replace('"nic"', "nic"))
    with pytest.raises(CatalogError, match="cannot read the part file"):
        catalog.load_part(tmp_path / "none.toml")


LIKE = """\
[part]
name = "x"
kind = "pcie"
like = "gen5-x16"

[datasheet]
lanes = { value = 2, unit = "1", source = "test" }

[calibration.copy]
class = "derived"
source = "test"
median = 0.1
p90 = 0.2
"""


def test_an_inherited_fit_must_state_its_own_class(tmp_path):
    assert load(tmp_path, LIKE).band("transfer") == ("derived", 0.1, 0.2)
    with pytest.raises(CatalogError, match=r"comes from gen5-x16; state .* class, source, median"):
        load(tmp_path, LIKE[:LIKE.index("[calibration")])
    with pytest.raises(CatalogError, match=r"x\.toml:9: .*state this part's own median"):
        load(tmp_path, LIKE.replace("median = 0.1\n", ""))


@pytest.mark.parametrize("old, new, says", [
    ('"derived"', '"guessed"', "class must be one of calibrated, derived, assumed, not 'guessed'"),
    ("median = 0.1", "median = -1", "median must be a finite number >= 0"),
    ("p90 = 0.2", "p90 = 0.2\nlinkshare = 1", "unknown key linkshare in [calibration.copy]"),
])
def test_mistakes_in_a_fit(tmp_path, old, new, says):
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, LIKE.replace(old, new))
    assert says in str(caught.value)


def test_like_must_be_a_part_of_its_kind(tmp_path):
    with pytest.raises(CatalogError, match="x is a pcie but like = 'h100-sxm' is a gpu"):
        load(tmp_path, LIKE.replace('"gen5-x16"', '"h100-sxm"'))
    with pytest.raises(CatalogError, match=r"x\.toml:4: unknown part in `like` 'gen9'"):
        load(tmp_path, LIKE.replace('"gen5-x16"', '"gen9"'))


def test_like_must_not_go_round(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        text = LIKE.replace('"x"', f'"{name}"').replace('"gen5-x16"', f'"{other}"')
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(CatalogError, match="circle: a -> b -> a"):
        catalog.get("a", folder=tmp_path)


def test_the_file_and_the_part_have_one_name(tmp_path):
    (tmp_path / "y.toml").write_text(GOOD)
    with pytest.raises(CatalogError, match=r"y\.toml:2: the file y\.toml calls its part 'x'"):
        catalog.get("y", folder=tmp_path)


def test_content_hash_follows_the_content(tmp_path):
    first = load(tmp_path, GOOD)
    assert load(tmp_path, "# a comment\n" + GOOD).content_hash == first.content_hash
    assert load(tmp_path, GOOD.replace("600", "601")).content_hash != first.content_hash
