"""What goes on from a clip is as loud as the clip, however quiet, hot or offset that is: the embedded model, measured."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.api import AudioChunk, Finished, GenerationRequest

LOOP = Path(__file__).parents[1] / "loops" / "compus.flac"
NEAR_DB = 2.0


def loudness_db(audio):
    """Without DC, which is not heard."""
    return 10 * np.log10(np.mean(np.square(audio - audio.mean(0))))


@pytest.mark.parametrize(("peak_db", "dc"), [(-65, 0.0), (-40, 0.03), (-20, 0.1), (0, 0.0), (6, 0.0)])
def test_the_new_part_is_as_loud_as_the_clip(engine, tmp_path, peak_db, dc):
    loop, rate = soundfile.read(LOOP, dtype="float32", always_2d=True)
    soundfile.write(tmp_path / "loop.wav", loop / np.abs(loop).max() * 10 ** (peak_db / 20) + dc, rate, subtype="FLOAT")
    request = GenerationRequest(clip=str(tmp_path / "loop.wav"), duration_s=6.0, seed=1, decode="fast", model="sketch")
    events = list(engine.generate(request))
    end = next(event for event in events if isinstance(event, Finished))
    audio = np.concatenate([event.samples for event in events if isinstance(event, AudioChunk)])
    join = round(end.report.variations[0].from_s * end.samplerate)
    assert np.abs(audio).max() <= 1.0
    new = audio[join + end.samplerate // 2 :]
    assert loudness_db(new) == pytest.approx(loudness_db(audio[:join]), abs=NEAR_DB)
