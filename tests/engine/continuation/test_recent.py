"""What was computed last is not computed again."""

from unittest.mock import patch

import numpy as np
import soundfile

from engine.continuation.recent import Recent, digest
from engine.models.generation import Decoder
from engine.models.wavtokenizer import WavTokenizer
from tests import synthetic
from tests.engine.conftest import run

RATE = 24_000


def test_a_clip_that_is_continued_again_is_not_encoded_again(engine, model, tmp_path):
    """Nor its tempo chosen again; the same path with another recording is another clip. The music is the same."""
    path = tmp_path / "loop.wav"

    def continued(bpm):
        soundfile.write(path, synthetic.clicks(bpm, 16 * 60 / bpm, rate=RATE), RATE, subtype="FLOAT")
        with (
            patch.object(WavTokenizer, "encode", autospec=True, side_effect=WavTokenizer.encode) as encode,
            patch.object(Decoder, "likelihood", autospec=True, side_effect=Decoder.likelihood) as likelihood,
        ):
            audio, end, *_ = run(engine, model, clip=str(path), duration_s=0.5, decode="fast", seed=1)
        return audio, end.report.grid_bpm, encode.call_count, likelihood.call_count

    first, first_bpm, *asked = continued(124)
    assert asked[0] > 1 and asked[1] == 1
    again, *_, encoded, chosen = continued(124)
    np.testing.assert_array_equal(again, first)
    assert (encoded, chosen) == (0, 0)
    _, other_bpm, *asked = continued(100)
    assert asked[0] > 1 and asked[1] == 1
    assert other_bpm != first_bpm


def test_only_the_last_are_kept():
    recent, computed = Recent(2), []

    def square(n):
        return recent.of(n, lambda: computed.append(n) or n * n)

    assert [square(n) for n in (2, 3, 2, 4, 2, 3)] == [4, 9, 4, 16, 4, 9]
    assert computed == [2, 3, 4, 3]  # 3 was the oldest when 4 came


def test_a_digest_depends_on_values_shape_and_type():
    audio = np.arange(6, dtype=np.float32)
    changed = audio.copy()
    changed[3] += 1e-6
    found = {digest(audio), digest(changed), digest(audio.reshape(2, 3)), digest(audio.view(np.int32)), digest(audio, audio)}
    assert len(found) == 5
    assert digest(audio[::2]) == digest(audio[::2].copy())
