"""Words for a piece: several phrasings of the same facts, from a sober tag list to a sentence."""

from __future__ import annotations

import numpy as np

from engine.corpus.facts import CaptionFacts
from engine.music.analysis import NOTE_NAMES

FLATS = {"C#": "Db", "Eb": "D#", "F#": "Gb", "G#": "Ab", "Bb": "A#"}
BUILD_UPS = ("riser", "build-up", "buildup", "riser and drop", "build-up and drop", "riser, drop", "build up")
NO_DRUMS = ("no drums", "without drums", "drumless")
METRE = {4: ("four four", "4/4"), 3: ("three four", "3/4", "waltz time")}


def caption(
    facts: CaptionFacts, layers: list[str], rng: np.random.Generator, *, build_up: bool = False, say_drums: bool = False
) -> str:
    """A caption of a stretch of a piece. `layers` is what plays in this stretch.

    build_up: whether it leads to a drop; if so, the caption always says it, so that no drop comes unasked. say_drums: always
    mention drums that play; by default only some captions do. That no drums play is always mentioned.
    """
    style = str(rng.choice([facts["style"], facts["style"], *facts["synonyms"]]))
    tonic = NOTE_NAMES[facts["key"]]
    if tonic in FLATS and rng.random() < 0.5:
        tonic = FLATS[tonic]
    key = f"{tonic} {facts['mode']}" if rng.random() < 0.8 else f"in {tonic} {facts['mode']}"
    tempo = f"{round(facts['bpm'])} bpm"
    playing = [facts["instruments"][name] for name in layers if name in facts["instruments"] and name != "drums"]
    playing += [word for name, word in facts["instruments"].items() if name.startswith("band ") and "band" in layers]
    drums = "drums" if "drums" in layers else str(rng.choice(NO_DRUMS))
    say_drums = say_drums or drums != "drums"
    instruments = list(rng.permutation(playing))[: int(rng.integers(0, 4))]
    form = rng.random()
    if set(layers) == {"drums"}:  # which have no key
        tags = [tag for tag in (style, tempo, drums) if rng.random() < 0.6 or (say_drums and tag == drums)] or [tempo]
    elif form < 0.5:  # the tag list, most often in the order producers write it
        tags = [style, tempo, key]
        tags += [facts["mood"]] * (rng.random() < 0.5) + instruments + [drums] * (rng.random() < 0.6 or say_drums)
        tags += [str(rng.choice(METRE[facts["beats"]]))] * (rng.random() < 0.2)
        if rng.random() < 0.4:
            tags = list(rng.permutation(tags))
    elif form < 0.7:
        tags = [t for t in (style, tempo, key, facts["mood"]) if rng.random() < 0.7] or [style]
        if say_drums:
            tags.append(drums)
    else:
        with_words = " and ".join(instruments[:2])
        sentence = f"{facts['mood']} {style}" + (f" with {with_words}" if with_words else "")
        sentence += f" at {tempo}" * (rng.random() < 0.8)
        sentence += f" {key if key.startswith('in') else 'in ' + key}" * (rng.random() < 0.8)
        sentence += f" {drums}" if drums != "drums" else " with drums" if say_drums else ""
        tags = [sentence]
    if build_up:
        tags.insert(int(rng.integers(1, len(tags) + 1)), str(rng.choice(BUILD_UPS)))
    return ", ".join(tags)


def short_caption(facts: CaptionFacts, layers: list[str], rng: np.random.Generator, *, say_drums: bool) -> str:
    """A prompt as short as those that come with a clip: drums or none, if `say_drums`; mostly tempo and key; at times nothing."""
    tags = ["drums" if "drums" in layers else str(rng.choice(NO_DRUMS))] if say_drums else []
    tags += [f"{round(facts['bpm'])} bpm"] * (rng.random() < 0.8)
    tags += [f"{NOTE_NAMES[facts['key']]} {facts['mode']}"] * (set(layers) != {"drums"} and rng.random() < 0.8)
    return ", ".join(rng.permutation(tags) if rng.random() < 0.3 else tags)
