"""Training examples: what a window of the corpus holds, and what is dropped for guidance."""

import itertools

import numpy as np
import pytest
import torch

from engine.corpus.dataset import Corpus
from engine.models.condition import SECTION_ROWS
from engine.music.grid import CLOCKS_PER_BEAT
from engine.training import vocabulary
from engine.training import windows as stage
from engine.training.windows import (
    BUILD_UPS,
    DROP_CLOCK,
    DRUMLESS,
    LOOPS,
    NULL_ID,
    SHIFT_PHRASE,
    UNKNOWN_ID,
    Windows,
    with_unknown_words,
)
from tests.tiny_model import TINY

CONFIG = TINY.language_model
FRAMES = 64  # as in the fixture `windows`


def test_windows_begin_on_a_bar_and_carry_their_sections_label(windows):
    condition, tokens, targets, _ = windows.batch(64, np.random.default_rng(0), drop=False)
    assert (tokens[:, 0] == 0).all()  # the first eighth of a bar
    assert set(condition.section.flatten().tolist()) == {SECTION_ROWS[s] for s in ("intro", "verse", "chorus")}
    assert (condition.time_end > condition.time_start).all()
    torch.testing.assert_close(targets[:, :FRAMES][targets[:, :FRAMES] >= 0], tokens[targets[:, :FRAMES] >= 0])


def test_drumless_pieces_of_styles_with_drums_come_more_often(corpus, eighths, tokenizer):
    pieces = Corpus(corpus)
    found = dict(np.load(eighths))
    first = pieces.names[0]
    pieces.facts[first] = pieces.facts[first] | {"instruments": {"drums": "drums"}}
    copy = f"{first}c0"
    pieces.facts[copy], found[copy] = pieces.facts[first] | {"instruments": {"chords": "piano"}}, found[first]
    pieces.names.append(copy)
    windows = Windows(pieces, found, tokenizer, FRAMES, CONFIG.stop_token)
    shares = dict(zip(windows.names, windows.shares, strict=True))
    assert sum(shares.values()) == pytest.approx(1) and shares[copy] == pytest.approx(DRUMLESS * shares[first])
    assert {shares[name] for name in windows.names if name != copy} == {shares[first]}  # ambient never had drums


def test_a_build_up_is_named_leads_to_its_chorus_and_comes_more_often(corpus):
    """The tokens say which section each frame is in."""
    pieces = Corpus(corpus)
    name = pieces.names[0]
    sections = [s | ({"build_up": 2} if s["label"] == "verse" else {}) for s in pieces.facts[name]["sections"]]
    pieces.facts[name]["sections"] = sections
    found = {n: np.repeat(np.arange(3), [s["frames"] for s in pieces.facts[n]["sections"]]) for n in pieces.names}
    words = vocabulary.build(vocabulary.caption_sample(list(pieces.facts.values()), 20), 200)
    windows = Windows(pieces, found, words, 2 * sections[1]["frames"], CONFIG.stop_token)
    shares = dict(zip(windows.names, windows.shares, strict=True))
    assert shares[name] == pytest.approx(BUILD_UPS * min(shares.values()))
    rng, named = np.random.default_rng(0), {words.token_to_id(word) for word in ("riser", "build", "buildup")}
    rows = [windows._window(name, windows.frames, rng, drop) for drop in (False, True) for _ in range(60)]
    building = [row for row in rows if row["section"] == SECTION_ROWS["verse"]]
    assert len(building) > 30 and all(np.unique(row["tokens"]).tolist() == [1, 2] for row in building)
    assert [bool(named & set(row["text"])) for row in rows[:60]] == [row["section"] == SECTION_ROWS["verse"] for row in rows[:60]]
    assert len(building) > 0.5 * len(rows)  # of three sections as long
    short = [windows._window(name, sections[1]["frames"] // 4, rng, False) for _ in range(200)]
    begins = [int(row["clock"][0, 1]) for row in short if row["section"] == SECTION_ROWS["verse"]]
    assert np.mean([bar >= 2 for bar in begins]) > 0.75  # most see some of the build-up


def test_every_bar_of_a_window_begins_where_its_clock_says(corpus, eighths, tokenizer):
    """Looped windows too. The tokens say which eighth of its bar each frame is; a frame's clock is that of its middle."""
    long = Windows(Corpus(corpus), dict(np.load(eighths)), tokenizer, 500, CONFIG.stop_token)
    for drop in (False, True):
        condition, tokens, targets, _ = long.batch(100, np.random.default_rng(1), drop=drop)
        assert condition.clock.shape == (100, 501, 2)
        timed = condition.clock[:, 0, 0] >= 0
        clocks, bars = condition.clock[timed, :-1].unbind(-1)
        given = (targets[timed, :-1] >= 0) & (targets[timed, :-1] != CONFIG.stop_token)
        assert (clocks[:, 0] == 0).all()
        within = (tokens[timed] - clocks // (CLOCKS_PER_BEAT // 2)).abs() % 7  # the next eighth may begin in mid-frame
        assert (within[given] <= 1).all()
        begins = clocks.diff(dim=1) < 0
        assert begins.any() and torch.equal(begins, bars.diff(dim=1) != 0)
        assert (((tokens[timed].diff(dim=1) < 0) == begins) | ~given[:, 1:]).all()


def test_the_bar_is_counted_from_its_section_unless_shifted(windows):
    kept, *_ = windows.batch(400, np.random.default_rng(0), drop=False)
    assert set(kept.clock[:, 0, 1].tolist()) == {0, 1, 2, 3}  # each section has four
    shifted, *_ = windows.batch(1000, np.random.default_rng(0))
    elsewhere = (shifted.clock[:, 0, 1] >= 4).float().mean().item()
    expected = 0.5 * (SHIFT_PHRASE + LOOPS * (1 - SHIFT_PHRASE))  # of the windows that are shifted, or looped, half
    assert elsewhere == pytest.approx(expected, rel=0.2)


def test_time_is_dropped_as_a_whole_and_only_in_training(windows):
    kept, *_ = windows.batch(200, np.random.default_rng(0), drop=False)
    assert (kept.clock >= 0).all()
    dropped, *_ = windows.batch(1000, np.random.default_rng(0))
    nowhere = (dropped.clock < 0).flatten(1)
    assert torch.equal(nowhere.all(1), nowhere.any(1))
    assert 0.5 * DROP_CLOCK < nowhere.all(1).float().mean() < 1.6 * DROP_CLOCK


def test_only_a_piece_that_ends_inside_the_window_ends_with_the_stop_token(corpus, eighths, tokenizer):
    facts = Corpus(corpus).facts["p000000"]
    last_bars = {"p000000": dict(np.load(eighths))["p000000"]}
    whole = Windows(Corpus(corpus), last_bars, tokenizer, 4 * facts["bar_frames"] + 1, CONFIG.stop_token)
    _, _, targets, _ = whole.batch(200, np.random.default_rng(0))
    ends = (targets == CONFIG.stop_token).any(1)
    lengths = (targets >= 0).sum(1) - ends.long()
    assert ends.any() and not ends.all()
    assert (lengths[ends] < whole.frames).all() and (lengths[~ends] == whole.frames).all()
    assert all(row[length] == CONFIG.stop_token for row, length in zip(targets[ends], lengths[ends], strict=True))


def test_conditions_and_words_are_dropped_only_in_training(windows):
    _, _, _, negative = windows.batch(400, np.random.default_rng(0))
    assert 0.1 < negative.float().mean() < 0.2
    kept, _, _, negative = windows.batch(200, np.random.default_rng(0), drop=False)
    assert not negative.any() and (kept.text[:, 0] != NULL_ID).all()
    dropped, *_ = windows.batch(400, np.random.default_rng(0))
    nothing = (dropped.text == NULL_ID).all(1).float().mean()
    assert 0.05 < nothing < 0.16
    assert (dropped.text == UNKNOWN_ID).float().mean() > (kept.text == UNKNOWN_ID).float().mean()


def test_unknown_words_come_beside_known_ones_and_never_in_place_of_no():
    """A word that was never met may stand anywhere, and "heavy drums" must not come to mean what "no drums" does."""
    no, drums, text, rng = 5, 6, [5, 6] * 2_000, np.random.default_rng(0)
    words = with_unknown_words(text, {no}, rng)
    assert words.count(no) == 2_000 and 1_880 < words.count(drums) < 1_960
    assert 180 < words.count(UNKNOWN_ID) < 300 and len(words) > len(text)
    after = [b for a, b in itertools.pairwise(words) if a == UNKNOWN_ID]
    assert {no, drums} < set(after)


def test_a_batch_may_have_shorter_windows(windows):
    condition, tokens, targets, _ = windows.batch(8, np.random.default_rng(0), frames=16)
    assert tokens.shape == (8, 16) and targets.shape == (8, 17) and condition.clock.shape == (8, 17, 2)


def test_the_same_seed_gives_the_same_batch(windows):
    first, again = (windows.batch(8, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first[1], again[1]) and torch.equal(first[0].text, again[0].text) and torch.equal(first[3], again[3])
    assert torch.equal(first[0].clock, again[0].clock)


@pytest.mark.parametrize(("share", "reached"), [(1.0, {"intro": {0}, "verse": {1}}), (0.0, {"intro": {0, 1}, "verse": {1}})])
def test_a_window_repeats_its_section_or_goes_on_but_never_into_the_last(corpus, tokenizer, monkeypatch, share, reached):
    """Tokens that say which section they are of; the window is longer than what is left of the piece."""
    monkeypatch.setattr(stage, "KEEP_SECTION", share)
    marked = {
        name: np.repeat(np.arange(len(facts["sections"])), [s["frames"] for s in facts["sections"]]).astype(np.int16)
        for name, facts in Corpus(corpus).facts.items()
    }
    long = Windows(Corpus(corpus), marked, tokenizer, 2000, CONFIG.stop_token)
    condition, tokens, targets, _ = long.batch(100, np.random.default_rng(0), drop=False)
    for label, sections in reached.items():
        rows = condition.section[:, 0] == SECTION_ROWS[label]
        assert rows.any() and set(tokens[rows].unique().tolist()) == sections
        assert (targets[rows, :-1] >= 0).all() and (targets[rows, -1] == -100).all()
    last = condition.section[:, 0] == SECTION_ROWS["chorus"]
    assert (targets[last] == CONFIG.stop_token).any(1).all()
