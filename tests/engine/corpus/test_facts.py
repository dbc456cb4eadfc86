"""Manifests of pieces, those written before fields had their present names too."""

import json

from engine.corpus.dataset import Corpus
from engine.corpus.facts import read_facts


def test_a_manifest_of_before_is_read_as_one_of_today(tmp_path):
    row = {"number": 1, "held_out": False, "colour": ["room", "hiss"]}
    (tmp_path / "p000001c0.json").write_text(json.dumps(row))
    (tmp_path / "p000002c0.json").write_text(json.dumps({"number": 2, "held_out": False, "augmentation": ["tape"]}))
    assert read_facts(tmp_path / "p000001c0.json") == {"number": 1, "held_out": False, "augmentation": ["room", "hiss"]}
    assert [facts["augmentation"] for facts in Corpus(tmp_path).facts.values()] == [["room", "hiss"], ["tape"]]
