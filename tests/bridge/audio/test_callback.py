"""What the audio callback does, without PortAudio: sample by sample, and no gap clicks."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.callback import FADE_S, Playout
from tests import fake_engine

RATE = 48_000
BLOCK = 256


def captured(playout: Playout, blocks: int) -> np.ndarray:
    out = np.full((blocks * BLOCK, 1), np.nan, np.float32)
    for start in range(0, len(out), BLOCK):
        playout.fill(out[start : start + BLOCK], host_underflow=False)
    return out


def steps(samples: np.ndarray) -> float:
    """The largest jump between neighbouring samples: a click is a large one."""
    return float(np.abs(np.diff(samples[:, 0])).max())


TONE_STEP = steps(fake_engine.tone(RATE, RATE))


def test_a_whole_result_is_played_sample_by_sample():
    playout, tone = Playout(RATE, 1), fake_engine.tone(9_000, RATE)
    playout.ring.write(tone)
    playout.final = True
    out = captured(playout, 40)
    np.testing.assert_array_equal(out[:9_000], tone)
    assert not out[9_000:].any() and playout.underruns == 0


def test_nothing_is_played_before_there_is_enough():
    playout = Playout(RATE, 1)
    playout.ring.write(fake_engine.tone(100, RATE))
    assert not captured(playout, 4).any() and playout.ring.readable == 100


@pytest.mark.parametrize("frame", [0, 1, BLOCK, 3 * BLOCK + 100])
def test_what_is_due_begins_on_its_very_frame(frame):
    playout, tone = Playout(RATE, 1), fake_engine.tone(9_000, RATE)
    playout.ring.write(tone)
    playout.final, playout.start_at = True, 7.0 + frame / RATE
    out = np.full((40 * BLOCK, 1), np.nan, np.float32)
    for start in range(0, len(out), BLOCK):
        playout.fill(out[start : start + BLOCK], host_underflow=False, plays_at=7.0 + start / RATE)
    np.testing.assert_array_equal(out[frame : frame + 9_000], tone)
    assert not out[:frame].any() and not out[frame + 9_000 :].any() and playout.underruns == 0


def test_what_is_due_can_be_stopped_before():
    playout = Playout(RATE, 1)
    playout.ring.write(fake_engine.tone(9_000, RATE))
    playout.start_at = 1e9
    assert not captured(playout, 4).any() and playout.ring.readable == 9_000
    playout.stopping = True
    assert not captured(playout, 4).any() and playout.ring.readable == 0


def test_a_dry_ring_is_counted_once_and_neither_clicks_nor_skips():
    playout, tone = Playout(RATE, 1), fake_engine.tone(20_000, RATE) + np.float32(0.2)
    playout.ring.write(tone[:9_100])
    out = [captured(playout, 60)]
    assert playout.underruns == 1
    playout.ring.write(tone[9_100:])
    playout.final = True
    out.append(captured(playout, 60))
    out = np.concatenate(out)
    assert playout.underruns == 1
    # From silence the first sample is the result's own; from there on no step is larger than the tone's or a fade's.
    assert steps(out[1:19_000]) < TONE_STEP + 0.5 / (0.005 * RATE)
    played = np.abs(out[:, 0]) > 0
    assert played.sum() == pytest.approx(len(tone), abs=4)  # all of it, fades included


def test_stop_fades_out_and_forgets():
    playout = Playout(RATE, 1)
    playout.ring.write(fake_engine.tone(40_000, RATE))
    out = [captured(playout, 10)]
    playout.stopping = True
    out.append(captured(playout, 4))
    out = np.concatenate(out)
    assert playout.ring.readable == 0 and not out[-2 * BLOCK :].any()
    assert steps(out) < TONE_STEP + 0.2 / (0.005 * RATE)
    assert playout.underruns == 0


def test_a_new_gain_is_come_to_without_a_click_and_kept():
    playout, tone = Playout(RATE, 1), fake_engine.tone(40_000, RATE)
    playout.ring.write(tone)
    out = [captured(playout, 30)]
    playout.gain = 0.25
    out.append(captured(playout, 100))
    out = np.concatenate(out)
    np.testing.assert_array_equal(out[: 30 * BLOCK], tone[: 30 * BLOCK])
    np.testing.assert_array_equal(out[60 * BLOCK :], tone[60 * BLOCK : 130 * BLOCK] * np.float32(0.25))
    assert steps(out) < TONE_STEP + 0.1 / (0.05 * RATE)


def test_the_meter_reports_peak_and_mean_of_what_is_played():
    playout = Playout(RATE, 1, gain=0.5)
    playout.ring.write(fake_engine.tone(RATE, RATE))
    captured(playout, 100)
    assert playout.meter.peak_db == pytest.approx(20 * np.log10(fake_engine.AMPLITUDE / 2), abs=0.01)
    assert playout.meter.rms_db == pytest.approx(playout.meter.peak_db - 3.01, abs=0.05)


def test_what_goes_on_after_an_interruption_fades_in_and_nothing_is_skipped():
    playout, tone = Playout(RATE, 1), fake_engine.tone(40_000, RATE) + np.float32(0.2)
    playout.interrupted()
    playout.ring.write(tone[10_000:])
    out = captured(playout, 20)
    assert out[0] == 0 and steps(out) < TONE_STEP + 0.5 / (0.005 * RATE)
    np.testing.assert_array_equal(out[BLOCK:], tone[10_000 + BLOCK : 10_000 + len(out)])


@pytest.mark.parametrize("block", [16, 64, 256, 4_096])
def test_fades_take_their_time_in_blocks_of_any_size(block):
    """A dry ring, what goes on after it, and a stop: no step is larger than the tone's and a fade's of full length."""
    playout, tone = Playout(RATE, 1), fake_engine.tone(100_000, RATE) + np.float32(0.3)

    def blocks(frames: int) -> np.ndarray:
        out = np.full((frames // block * block, 1), np.nan, np.float32)
        for start in range(0, len(out), block):
            playout.fill(out[start : start + block], host_underflow=False)
        return out

    playout.ring.write(tone[:12_345])
    out = [blocks(20_000)]
    assert playout.underruns == 1 and not out[-1][-block:].any()
    playout.ring.write(tone[12_345:50_000])
    out.append(blocks(20_000))
    playout.stopping = True
    out.append(blocks(8_192))
    out = np.concatenate(out)
    assert playout.ring.readable == 0 and not out[-block:].any() and playout.underruns == 1
    assert steps(out[1:]) < TONE_STEP + 0.4 / (FADE_S * RATE) * 1.01


def late(playout: Playout, blocks: int, ready_at: int, tone: np.ndarray) -> np.ndarray:
    """What is heard from 7 s on, where the whole result comes right before block `ready_at`."""
    out = np.full((blocks * BLOCK, 1), np.nan, np.float32)
    for number, start in enumerate(range(0, len(out), BLOCK)):
        if number == ready_at:
            playout.ring.write(tone)
            playout.final = True
        playout.fill(out[start : start + BLOCK], host_underflow=False, plays_at=7.0 + start / RATE)
    return out


@pytest.mark.parametrize(
    ("ready_at", "begins"), [(0, 1_000), (3, 1_000), (4, 4_000), (14, 4_000), (16, 7_000), (50, 13_000)]
)
def test_what_is_not_ready_when_it_is_due_waits_for_the_next_time(ready_at, begins):
    """Bars of 3,000 frames, due at frame 1,000, in block 3: never a moment in between."""
    playout, tone = Playout(RATE, 1), fake_engine.tone(2_000, RATE) + np.float32(0.2)
    playout.start_at, playout.start_every_s = 7.0 + 1_000 / RATE, 3_000 / RATE
    out = late(playout, 80, ready_at, tone)
    np.testing.assert_array_equal(out[begins : begins + 2_000], tone)
    assert not out[:begins].any() and not out[begins + 2_000 :].any()
    assert (playout.missed, playout.underruns) == ((begins - 1_000) // 3_000, 0)


def test_what_comes_to_the_device_a_bar_late_waits_for_the_next():
    """It was stopped meanwhile: the moment that it was due at is long over."""
    playout, tone = Playout(RATE, 1), fake_engine.tone(2_000, RATE) + np.float32(0.2)
    playout.start_at, playout.start_every_s = 7.0 - 4_000 / RATE, 3_000 / RATE
    out = late(playout, 40, 0, tone)
    np.testing.assert_array_equal(out[2_000:4_000], tone)
    assert not out[:2_000].any() and playout.missed == 2
