"""The whole evaluation on a model of random weights."""

import json

import pytest
import soundfile

from engine.evaluation.__main__ import main
from tests.synthetic import clicks, noise, write_corpus
from tests.tiny_model import write_tiny_model


def test_the_whole_evaluation_runs_and_judges_a_model_of_noise(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    corpus = tmp_path / "corpus"
    write_corpus(corpus, pieces=4, held_out=1)
    (tmp_path / "loops").mkdir()
    soundfile.write(tmp_path / "loops" / "beat.wav", clicks(120, 2, rate=48_000), 48_000)
    (tmp_path / "songs").mkdir()
    soundfile.write(tmp_path / "songs" / "song.wav", 0.3 * clicks(120, 45, rate=24_000) + 0.1 * noise(45, 24_000), 24_000)
    model = write_tiny_model(tmp_path / "model")
    folder = tmp_path / "report"
    options = ["--prompts", "1", "--corpus", str(corpus), "--loops", str(tmp_path / "loops"), "--report", str(folder)]
    options += ["--recordings", str(tmp_path / "songs")]
    assert main([str(model), *options, "--decode", "fast", "--parts", "targets"]) == 0
    written = json.loads((folder / "results.json").read_text())
    rows = {row["name"]: row for row in written["results"]}
    assert rows["shipped weights"]["met"] is True
    assert rows["asked tempo met within 2 %"]["met"] is False and rows["asked tempo met within 2 %"]["count"] == 1
    assert rows["rhythmic loops keep their tempo within 3 %"]["details"] == []
    distance = rows["Fréchet distance to held-out music, times the codec's"]
    assert distance["count"] == 1 and distance["value"] > 0 and "after the codec" in distance["note"]
    edited = [row["count"] for name, row in rows.items() if name.startswith("drums ") and "beside a clip" in name]
    assert len(edited) == 2 and sum(edited) == 1
    loops = rows["loops joined without a click"]["details"]
    assert [loop["bpm"] for loop in loops] == [pytest.approx(120, rel=0.01)] * 3
    assert len({loop["band_levels_db"] for loop in loops}) == 3
    likeness = rows["level of each band, rhythmic loops and what follows"]
    assert likeness["count"] == 3 and likeness["value"] > 0 and "after the codec" in likeness["note"]
    assert rows["true peaks at most -1 dBTP"]["met"] is True  # noise or not
    assert rows["loudness of prompted results from -16 to -12 LUFS"]["count"] == 1
    assert rows["recorded clips continued in their own sound: likeness to the clip"]["value"] > 0
    assert rows["… in the model's sound: likeness to the clip"]["bar"] is None
    assert "takes of one prompt apart, times pieces of one style" in rows
    assert "| asked tempo met within 2 % |" in capsys.readouterr().out
    assert (folder / "evaluation.png").stat().st_size > 10_000
    assert not (folder / "takes").exists()


def test_without_a_corpus_it_says_what_it_did_not_measure(tmp_path, capsys):
    model = write_tiny_model(tmp_path / "model", flow=False)
    assert main([str(model), "--prompts", "1", "--parts", "targets", "--report", str(tmp_path / "report")]) == 0
    page = capsys.readouterr().out
    assert "not measured" in page and "with half and double time, which need --corpus to be told apart" in page


def test_bad_input_is_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "no model" in capsys.readouterr().err
    model = write_tiny_model(tmp_path / "model", flow=False)
    assert main([str(model), "--corpus", str(tmp_path)]) == 2
    assert "is no corpus" in capsys.readouterr().err
