"""Analysis and synthesis of the embedded codecs: how a sine shows, how a given tone sounds, and which view shows what."""

import math

import numpy as np
import pytest
import torch

from engine.models.sketch.spectral import (
    C1,
    CHORDS,
    FLOOR,
    MELODY,
    STROKES,
    BandSpectrum,
    NoteEncoder,
    TonesAndNoise,
    View,
    log_level,
)
from tests import synthetic

RATE, HOP, NOISE_STEPS = 24_000, 480, 8
RESOLUTIONS = pytest.mark.parametrize("resolution", [STROKES, MELODY, CHORDS], ids=["strokes", "melody", "chords"])
RATES = pytest.mark.parametrize(("rate", "hop"), [(24_000, 960), (48_000, 480), (48_000, 960)])


def sine(hz: float, amplitude: float, rate: int, seconds: float = 1.0) -> torch.Tensor:
    t = np.arange(round(seconds * rate)) / rate
    return torch.from_numpy(amplitude * np.sin(2 * np.pi * hz * t)).float()[None]


def inner(x: torch.Tensor, spectrum: BandSpectrum) -> torch.Tensor:
    """Steps whose window lies inside the audio, where nothing is mirrored: [bands, steps]."""
    edge = spectrum.n_fft // spectrum.hop // 2 + 1
    return x[0, :, edge:-edge]


# Hearing


@RATES
@RESOLUTIONS
@pytest.mark.parametrize("octave", [1, 3, 5])
@torch.inference_mode()
def test_a_sine_shows_in_its_own_band_at_about_its_amplitude(resolution, rate, hop, octave):
    spectrum = BandSpectrum(resolution, rate, hop)
    band = octave * resolution.bands
    hz = resolution.low * 2**octave
    loud, soft = (inner(spectrum(sine(hz, amplitude, rate)), spectrum) for amplitude in (0.4, 0.1))
    assert (loud.argmax(0) == band).all() and (soft.argmax(0) == band).all()
    # Bands are weighted so that noise shows alike in all of them: a sine alone in a wide one shows softer, here by 6 dB at most.
    assert loud[band].min() > 0.5 * 0.4 and loud[band].max() < 1.25 * 0.4
    torch.testing.assert_close(loud[band], 4 * soft[band], rtol=1e-3, atol=0)
    centres = resolution.low * 2 ** (torch.arange(len(loud)) / resolution.bands)
    far = ((centres - hz).abs() > 8000 / resolution.window_ms) & ((centres / hz).log2().abs() > 1)
    assert far.any() and loud[far].max() < 0.01 * loud[band].min()


@RATES
@RESOLUTIONS
@torch.inference_mode()
def test_what_lies_above_the_bands_does_not_come_back_mirrored(resolution, rate, hop):
    """The decimated spectra would hear a high tone as a low one, were it not filtered out before."""
    spectrum = BandSpectrum(resolution, rate, hop)
    if spectrum.decimation == 1:
        assert resolution.high > 0.2 * rate  # no need of less
        return
    aliased = spectrum.sample_rate - 1000.0  # would be heard at 1 kHz
    assert inner(spectrum(sine(aliased, 1.0, rate)), spectrum).max() < 1e-3


@RATES
@RESOLUTIONS
@pytest.mark.parametrize("samples", [1, 2, 333, 959, 960, 961, 4801])
@torch.inference_mode()
def test_a_step_for_every_hop_begun(resolution, rate, hop, samples):
    spectrum = BandSpectrum(resolution, rate, hop)
    measured = spectrum(torch.randn(2, samples))
    assert measured.shape == (2, spectrum.bands, resolution.steps * math.ceil(samples / hop))
    assert measured.isfinite().all()


@RESOLUTIONS
@torch.inference_mode()
def test_windows_are_centred_on_their_steps(resolution):
    """A click shows in the step it falls into, or where it lies between two of them, in both."""
    spectrum = BandSpectrum(resolution, RATE, HOP)
    step = HOP // resolution.steps
    for at in (40 * HOP, 40 * HOP + step // 2, 41 * HOP - 1):
        audio = torch.zeros(1, 80 * HOP)
        audio[:, at] = 1
        power = spectrum(audio)[0].square().sum(0)
        centre = (power * (torch.arange(len(power)) + 0.5)).sum() / power.sum() * step
        assert abs(centre - at) < 0.5 * step


def test_hops_that_do_not_divide_are_rejected():
    with pytest.raises(AssertionError, match="multiple of 8"):
        BandSpectrum(STROKES, RATE, 484)
    with pytest.raises(AssertionError, match="multiple of 2"):
        BandSpectrum(CHORDS, RATE, 481)


def test_log_level_has_a_floor():
    assert log_level(torch.tensor(0.0)).exp().item() == pytest.approx(FLOOR)
    assert (log_level(torch.tensor(1.0)) - log_level(torch.tensor(0.5))).item() == pytest.approx(math.log(2), abs=1e-3)


@pytest.mark.parametrize("contrast", [True, False])
@torch.inference_mode()
def test_a_views_channels_are_its_bands_times_its_steps(contrast):
    view = View((STROKES, CHORDS), RATE, HOP, contrast=contrast)
    measured = view(torch.randn(2, 9 * HOP + 1))
    spectra = [BandSpectrum(resolution, RATE, HOP) for resolution in (STROKES, CHORDS)]
    assert measured.shape == (2, view.channels, 10)
    assert view.channels == STROKES.steps * spectra[0].bands + spectra[1].bands


@torch.inference_mode()
def test_a_frames_steps_stand_side_by_side():
    audio = torch.randn(1, 6 * HOP, generator=torch.Generator().manual_seed(0))
    view, spectrum = View((STROKES,), RATE, HOP, contrast=False), BandSpectrum(STROKES, RATE, HOP)
    levels = (log_level(spectrum(audio)) / 3 + 1.4)[0]
    by_step = view(audio)[0].view(spectrum.bands, STROKES.steps, 6)
    for step in range(STROKES.steps):
        torch.testing.assert_close(by_step[:, step], levels[:, step :: STROKES.steps])


def music(gain_db: float = 0.0) -> torch.Tensor:
    """A progression over hiss: no band is near the floor, where a gain would change which bands show at all."""
    audio = synthetic.progression("A minor", 120, 4, RATE) + 0.3 * synthetic.noise(4, RATE)
    return torch.from_numpy(10 ** (gain_db / 20) * audio).float()[None]


def test_harmony_encodes_which_and_rhythm_how_loud():
    """A gain of 6 dB changes the rhythm's view by 0.23 everywhere and the harmony's hardly; another key does the opposite."""
    encoder = NoteEncoder(RATE, HOP, width=16, blocks=1, dimension=4)
    other = torch.from_numpy(synthetic.progression("C# minor", 120, 4, RATE) + 0.3 * synthetic.noise(4, RATE)).float()[None]
    with torch.inference_mode():
        plain, louder, key = (
            {name: tower.view(audio) for name, tower in encoder.named_children()} for audio in (music(), music(6.0), other)
        )
    gained, moved = ({name: (changed[name] - plain[name]).abs().mean() for name in plain} for changed in (louder, key))
    spread = {name: view.std() for name, view in plain.items()}
    expected = 6.0 * math.log(10) / 20 / 3
    assert gained["rhythm"] == pytest.approx(expected, rel=0.1)
    assert gained["harmony"] < 0.03 * spread["harmony"] and gained["harmony"] < 0.1 * gained["rhythm"]
    assert moved["harmony"] > 10 * gained["harmony"] and moved["rhythm"] < gained["rhythm"]


@torch.inference_mode()
def test_a_gain_reaches_the_rhythms_features_and_hardly_the_harmonys():
    torch.manual_seed(0)
    encoder = NoteEncoder(RATE, HOP, width=16, blocks=1, dimension=4)
    plain, louder = encoder.towers(music()), encoder.towers(music(6.0))
    harmony, rhythm = ((b - a).norm() / (a - a.mean(-1, keepdim=True)).norm() for a, b in zip(plain, louder, strict=True))
    assert harmony < 0.05 < 0.2 < rhythm


@pytest.mark.parametrize("samples", [1, 480, 481, 5001])
@torch.inference_mode()
def test_both_towers_give_a_vector_for_every_frame_begun(samples):
    harmony, rhythm = NoteEncoder(RATE, HOP, width=16, blocks=1, dimension=4).towers(torch.randn(2, samples))
    assert harmony.shape == rhythm.shape == (2, 4, math.ceil(samples / HOP))


# Sounding


def head(rate: int = RATE, hop: int = HOP, seed: int = 0) -> TonesAndNoise:
    """Loud enough that both tones and noise are heard."""
    torch.manual_seed(seed)
    built = TonesAndNoise(16, rate, hop, NOISE_STEPS)
    torch.nn.init.normal_(built.out.weight, std=0.5)
    return built


def reported(levels: dict[int, float], noise: float = -100.0, rate: int = RATE, hop: int = HOP) -> TonesAndNoise:
    """A head that whatever it is given plays these tones at these amplitudes, and noise at this log-level."""
    built = TonesAndNoise(16, rate, hop, NOISE_STEPS)
    with torch.no_grad():
        built.out.weight.zero_()
        built.out.bias.fill_(-100.0)
        built.out.bias[built.TONE_STEPS * built.tones :] = noise
        for tone, amplitude in levels.items():
            built.out.bias[tone : built.TONE_STEPS * built.tones : built.tones] = math.log(amplitude)
    return built


@pytest.mark.parametrize(("rate", "hop"), [(24_000, 480), (48_000, 480), (48_000, 960)])
@pytest.mark.parametrize("first", [0, 12_345])
@torch.inference_mode()
def test_a_window_sounds_as_in_the_whole(rate, hop, first):
    whole_head = head(rate, hop)
    x = torch.randn(2, 40, 16)
    whole = whole_head(x, first)
    assert whole.shape == (2, 40 * hop) and whole.dtype == torch.float32
    start, stop, reach = 13, 20, TonesAndNoise.REACH
    expected = whole[:, start * hop : stop * hop]
    window, wrong = (
        whole_head(x[:, start - reach : stop + reach], at - reach)[:, reach * hop : -reach * hop]
        for at in (first + start, first + start + 1)
    )
    torch.testing.assert_close(window, expected, atol=1e-5, rtol=0)
    assert (wrong - expected).square().mean() > 0.1 * expected.square().mean()  # so what `first` says is heard


@pytest.mark.parametrize("part", ["tones", "noise"])
@torch.inference_mode()
def test_tones_and_noise_each_belong_to_absolute_time(part):
    one = reported({60: 0.3} if part == "tones" else {}, noise=-100.0 if part == "tones" else -2.0)
    x = torch.zeros(1, 30, 16)
    whole, later, wrong = one(x), one(x[:, :10], 20), one(x[:, :10], 19)
    inside = slice(HOP, -HOP)
    torch.testing.assert_close(later[:, inside], whole[:, 20 * HOP :][:, inside], atol=1e-5, rtol=0)
    assert (wrong[:, inside] - later[:, inside]).abs().max() > 0.1


def phase_of(audio: torch.Tensor, hz: float, first: int) -> float:
    """Of a cosine of `hz` in audio [N] that begins at sample `first` of its piece, counted from the piece's beginning."""
    angle = 2 * math.pi * torch.remainder((first + torch.arange(len(audio), dtype=torch.float64)) * hz / RATE, 1)
    return math.atan2(-(audio.double() * angle.sin()).mean(), (audio.double() * angle.cos()).mean())


@torch.inference_mode()
def test_minutes_into_a_piece_the_pitch_is_still_exact():
    """Phases are counted in double precision: in float32 they would be off by radians."""
    one, x, hz = reported({100: 0.5}), torch.zeros(1, 50, 16), C1 * 2 ** (100 / CHORDS.bands)
    last = 480 * RATE // HOP  # as long as a piece may be
    begun, ended = (phase_of(one(x, first)[0], hz, first * HOP) for first in (0, last))
    assert math.remainder(ended - begun, 2 * math.pi) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("rate", "hop"), [(24_000, 480), (48_000, 960)])
@pytest.mark.parametrize("tone", [12, 24, 75, 90, 168])
@torch.inference_mode()
def test_a_given_tone_sounds_at_its_pitch_and_amplitude(rate, hop, tone):
    audio = reported({tone: 0.25}, rate=rate, hop=hop)(torch.zeros(1, 4 * rate // hop, 16))[0].numpy()
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 4 * len(audio)))
    peak = spectrum.argmax() / 16
    assert peak == pytest.approx(C1 * 2 ** (tone / 24), abs=1.0)
    assert 4 * spectrum.max() / len(audio) == pytest.approx(0.25, rel=0.02)
    assert np.abs(audio).max() < 0.26  # nothing at the steps' edges


@torch.inference_mode()
def test_tones_reach_as_high_as_they_are_told_to():
    """At 48 kHz, of the highest two: the one below 11.4 kHz is there, and with 4.2 kHz as given there are 34 fewer."""
    high = TonesAndNoise(16, 48_000, 960, NOISE_STEPS, highest=11_400.0)
    assert high.tones == TonesAndNoise(16, 48_000, 960, NOISE_STEPS).tones + 34
    top = high.tones - 1
    high.out.weight.zero_()
    high.out.bias.fill_(-20.0)
    high.out.bias[top : high.TONE_STEPS * high.tones : high.tones] = math.log(0.25)
    audio = high(torch.zeros(1, 200, 16))[0].numpy()
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio))))
    assert spectrum.argmax() / 4 == pytest.approx(C1 * 2 ** (top / 24), abs=1.0) and 11_000 < spectrum.argmax() / 4 <= 11_400
    assert 4 * spectrum.max() / len(audio) == pytest.approx(0.25, rel=0.02)
    with pytest.raises(AssertionError, match="must lie below 12000"):
        TonesAndNoise(16, 24_000, 480, NOISE_STEPS, highest=12_500.0)


@torch.inference_mode()
def test_every_tone_stands_in_the_middle_of_a_band():
    """So a band's level says how strong its tone should be, and the loss can tell every tone from its neighbour."""
    spectrum = BandSpectrum(CHORDS, RATE, HOP)
    for tone in (60, 61, 84, 120, 160):
        measured = inner(spectrum(reported({tone: 0.25})(torch.zeros(1, 50, 16))), spectrum)
        assert (measured.argmax(0) == tone).all()


@torch.inference_mode()
def test_a_level_that_jumps_is_faded_to():
    """From silence to a tone within the step between the two middles: no click, and the tone is whole after it."""
    one = reported({100: 0.5})
    x = torch.zeros(1, 20, 16)
    with torch.no_grad():
        one.out.weight[100 : one.TONE_STEPS * one.tones : one.tones, 0] = -100.0
    x[:, :10, 0] = 1
    audio, step = one(x)[0], HOP // one.TONE_STEPS
    assert audio[: 10 * HOP - step // 2].abs().max() < 1e-6
    assert audio[10 * HOP + step // 2 :].abs().max() == pytest.approx(0.5, rel=0.01)
    steepest = 0.5 * 2 * math.pi * C1 * 2 ** (100 / 24) / RATE
    assert audio.diff().abs().max() < 1.3 * steepest


@torch.inference_mode()
def test_noise_has_the_spectrum_it_is_given():
    """One band of noise alone sounds around its own frequency and is as loud in every quarter of a frame."""
    one = reported({})
    noise = one.out.bias.data[one.TONE_STEPS * one.tones :].view(NOISE_STEPS, one.NOISE_BANDS)
    centres = np.geomspace(1, 1 + RATE / 2 / 200, one.NOISE_BANDS) * 200 - 200  # Hz, as the bands are laid out
    for band in (10, 20, 30):
        noise.fill_(-100.0)
        noise[:, band] = -1.0
        audio = one(torch.zeros(1, 100, 16))[0].numpy()
        power = np.abs(np.fft.rfft(audio)) ** 2
        hz = np.fft.rfftfreq(len(audio), 1 / RATE)
        assert (power * hz).sum() / power.sum() == pytest.approx(centres[band], rel=0.1)
        quarters = np.sqrt((audio.reshape(-1, HOP // 4)[4:-4] ** 2).mean(1))
        assert quarters.std() < 0.5 * quarters.mean()


@pytest.mark.parametrize(("rate", "hop"), [(24_000, 480), (48_000, 960)])
@torch.inference_mode()
def test_noise_is_steadiest_where_its_steps_are_alike(rate, hop):
    """Else a decoder learns to be silent in every other step, and cymbals rasp at the rate of the frames."""
    spectrum = BandSpectrum(STROKES, rate, 2 * hop)

    def unrest(step_levels: tuple[float, ...]) -> float:
        one = reported({}, rate=rate, hop=hop)
        levels = torch.tensor(step_levels).repeat(NOISE_STEPS // len(step_levels))
        one.out.bias.data[one.TONE_STEPS * one.tones :] = levels.repeat_interleave(one.NOISE_BANDS)
        return log_level(inner(spectrum(one(torch.zeros(1, 100, 16))), spectrum)[20:]).std(1).mean().item()

    steady = unrest((-2.0,))
    assert all(unrest(uneven) > steady for uneven in [(-2.0, -4.0), (-2.0, -2.0, -4.0, -4.0), (-2.0, -4.0, -4.0, -4.0)])


@torch.inference_mode()
def test_noise_does_not_come_again_within_ten_seconds():
    audio = reported({}, noise=-2.0)(torch.zeros(1, 500, 16))[0].numpy()
    power = np.abs(np.fft.rfft(audio, 2 * len(audio))) ** 2
    recurring = np.fft.irfft(power)[: len(audio)] / power.mean()
    assert recurring[0] == pytest.approx(1, abs=0.01) and np.abs(recurring[RATE // 10 :]).max() < 0.05


@torch.inference_mode()
def test_noise_sets_in_and_ends_within_its_window():
    """A step's window is four steps long, so an edge takes two steps either side of the middle."""
    one = reported({})
    noise = slice(one.TONE_STEPS * one.tones, None)
    one.out.weight.data[noise, 0] = 100.0
    x = torch.zeros(1, 20, 16)
    x[:, 10] = 1
    audio, margin = one(x)[0], 2 * HOP // NOISE_STEPS
    assert audio[: 10 * HOP - margin].abs().max() < 1e-6 and audio[11 * HOP + margin :].abs().max() < 1e-6
    assert audio[10 * HOP + margin : 11 * HOP - margin].square().mean().sqrt() == pytest.approx(0.8, rel=0.15)


def test_nothing_grows_beyond_all_bounds():
    loud = head()
    loud.out.bias.data.fill_(1000.0)
    audio = loud(torch.randn(1, 8, 16))
    audio.square().mean().backward()
    assert audio.isfinite().all() and loud.out.weight.grad.isfinite().all()


def test_training_begins_near_silence_and_moves():
    torch.manual_seed(0)
    audio = TonesAndNoise(16, RATE, HOP, NOISE_STEPS)(torch.randn(1, 50, 16))
    assert 0 < audio.square().mean().sqrt() < 0.05


# Both


def test_gradients_reach_everything():
    torch.manual_seed(0)
    encoder, voice = NoteEncoder(RATE, HOP, width=16, blocks=2, dimension=8), head()
    with torch.autocast("cpu", torch.bfloat16):
        audio = voice(torch.cat(encoder.towers(music()), dim=1).transpose(1, 2))
    assert audio.dtype == torch.float32
    sum(log_level(BandSpectrum(resolution, RATE, HOP)(audio)).mean() for resolution in (STROKES, MELODY, CHORDS)).backward()
    parameters = [(name, p) for part in (encoder, voice) for name, p in part.named_parameters()]
    assert [name for name, p in parameters if p.grad is None or not p.grad.abs().sum() > 0] == []
    assert all(p.grad.isfinite().all() for _, p in parameters)
    reached = voice.out.weight.grad.abs().sum(1) > 0
    tones, noise = reached[: voice.TONE_STEPS * voice.tones], reached[voice.TONE_STEPS * voice.tones :]
    assert tones.all()
    silent = (~noise.view(NOISE_STEPS, -1)).nonzero()[:, 1].unique().tolist()
    assert silent == [1, 2, 5]  # between two bins, which are 100 Hz apart


def test_the_spectrum_carries_gradients_even_from_silence():
    audio = torch.zeros(1, 9600, requires_grad=True)
    log_level(BandSpectrum(CHORDS, RATE, HOP)(audio)).sum().backward()
    assert audio.grad.isfinite().all()
