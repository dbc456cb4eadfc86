"""Pictures of a training: its losses, and how balanced the corpus is."""

import json

import pytest


def test_pictures_of_losses_and_corpus(corpus, tmp_path):
    pytest.importorskip("matplotlib")
    from engine.training.plot import plot_corpus, plot_losses, read_log

    run = tmp_path / "codec"
    run.mkdir()
    rows = [{"step": 50 * i, "minutes": i, "loss": 1 / i} for i in range(1, 4)]
    (run / "log.jsonl").write_text("\n".join([*map(json.dumps, rows), '{"step": 2']))
    assert read_log(run / "log.jsonl") == rows  # a line cut short by a crash is left out
    assert plot_losses(tmp_path, tmp_path / "losses.png") == ["codec"]
    plot_corpus([json.loads(path.read_text()) for path in corpus.glob("*.json")], tmp_path / "corpus.png")
    for name in ("losses.png", "corpus.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    (run / "log.jsonl").write_text('{"step": 1\n{"step": 2, "minutes": 1}')
    with pytest.raises(ValueError):
        read_log(run / "log.jsonl")
