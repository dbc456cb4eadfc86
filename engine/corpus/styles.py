"""The corpus' styles as tables: what each plays, on which instruments, how fast, in which mood.

Patterns are strings of 16 sixteenth notes to the bar (12 in three-four). For drums: `X` accent, `x` hit, `o` soft,
`.` rest. For pitched parts a digit or letter starts a note and `-` holds it: `1` root, `5` fifth, `8` octave, `7` the
seventh below the octave, `c` the whole chord, `a b d` the chord's tones one at a time from below.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KICK, SNARE, CLAP, RIM, HAT, OPEN_HAT, RIDE, CRASH, SHAKER, TAMBOURINE = 36, 38, 39, 37, 42, 46, 51, 49, 82, 54
CONGA_HIGH, CONGA_LOW, COWBELL, TOM_LOW, TOM_MID, TOM_HIGH = 63, 64, 56, 45, 47, 50

# General MIDI programs (0-based) by the word a producer would use.
PROGRAMS = {
    "piano": 0, "electric piano": 4, "clavinet": 7, "vibraphone": 11, "organ": 16, "nylon guitar": 24, "steel guitar": 25,
    "clean guitar": 27, "muted guitar": 28, "overdriven guitar": 29, "distorted guitar": 30, "upright bass": 32, "electric bass": 33,
    "picked bass": 34, "slap bass": 36, "synth bass": 38, "sub bass": 39, "strings": 48, "slow strings": 49, "choir": 52,
    "trumpet": 56, "muted trumpet": 59, "brass": 61, "saxophone": 66, "flute": 73, "square lead": 80, "saw lead": 81,
    "warm pad": 89, "polysynth": 90, "halo pad": 94, "sweep pad": 95,
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A pitched part: instruments to choose from, one-bar patterns to choose from, lowest MIDI pitch of its range, velocity."""

    instruments: tuple[str, ...]
    patterns: tuple[str, ...]
    low: int
    velocity: int = 88


@dataclass(frozen=True)
class Style:
    name: str
    synonyms: tuple[str, ...]
    bpm: tuple[int, int]
    moods: tuple[str, ...]
    kit: int | None = None  # General MIDI drum kit program; None: no drums
    drums: tuple[dict[int, str], ...] = ()  # alternatives: note → pattern
    bass: Part | None = None
    chords: Part | None = None
    pad: Part | None = None
    lead: Part | None = None
    modes: tuple[str, ...] = ("minor", "major")
    sevenths: bool = False
    progressions: str = "pop"
    swing: float = 0.5  # where the second of two sixteenths falls: 0.5 straight, 0.66 triplet
    beats: int = 4
    pump: bool = False  # the kick ducks pad and chords
    build_ups: bool = False  # a chorus may be led to, see `engine.corpus.build_ups`
    mma: dict[str, str] = field(default_factory=dict)  # section → MMA groove, for styles MMA plays


# Chord roots as scale degrees (0 = tonic), four bars each.
PROGRESSIONS = {
    ("pop", "major"): ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 4, 3), (0, 2, 3, 4), (3, 0, 4, 5)),
    ("pop", "minor"): ((0, 5, 2, 6), (0, 3, 5, 6), (0, 6, 5, 6), (0, 5, 3, 4), (0, 2, 6, 5), (5, 6, 0, 0)),
    ("static", "major"): ((0, 0, 0, 0), (0, 0, 3, 3), (0, 0, 5, 5)),
    ("static", "minor"): ((0, 0, 0, 0), (0, 0, 5, 5), (0, 0, 3, 3), (0, 0, 6, 6)),
    ("jazz", "major"): ((1, 4, 0, 0), (0, 5, 1, 4), (2, 5, 1, 4), (0, 3, 1, 4)),
    ("jazz", "minor"): ((1, 4, 0, 0), (0, 3, 1, 4), (0, 5, 1, 4)),
    ("blues", "major"): ((0, 0, 3, 0), (0, 3, 0, 4), (0, 0, 4, 3)),
    ("blues", "minor"): ((0, 3, 0, 4), (0, 0, 3, 0)),
}

FOUR = "x...x...x...x..."
OFFBEAT = "..x...x...x...x."
EIGHTHS = "x.o.x.o.x.o.x.o."
SIXTEENTHS = "xooo" * 4
BACKBEAT = "....X.......X..."
HELD = "c" + "-" * 15

STYLES = (
    Style(
        "house", ("deep house", "club house", "house music"), (118, 128), ("uplifting", "warm", "groovy"), 24,
        ({KICK: FOUR, CLAP: BACKBEAT, OPEN_HAT: OFFBEAT, SHAKER: SIXTEENTHS}, {KICK: FOUR, CLAP: BACKBEAT, OPEN_HAT: OFFBEAT, HAT: "x..ox..ox..ox..o"}),
        Part(("synth bass", "sub bass"), ("..1...1...1...8.", "1..1..1...1.1...", "..1..1....1.5..."), 33, 96),
        Part(("piano", "electric piano", "organ"), ("c..c..c...c..c..", "..c-..c-..c-..c-", "c-.c-.c-....c-.."), 57),
        Part(("warm pad", "strings"), (HELD,), 55, 60), Part(("saw lead", "flute"), ("",), 69, 80), sevenths=True, pump=True, build_ups=True,
    ),
    Style(
        "techno", ("driving techno", "warehouse techno"), (126, 136), ("dark", "hypnotic", "driving"), 25,
        ({KICK: FOUR, HAT: OFFBEAT, CLAP: BACKBEAT}, {KICK: FOUR, OPEN_HAT: OFFBEAT, HAT: "oooo" * 4, RIM: "...x..x....x..x."}),
        Part(("synth bass", "sub bass"), (".111.111.111.111", "..1...1...1...1.", "..11..11..11..18"), 33, 96),
        Part(("polysynth", "saw lead"), ("c..c..c..c..c...", "...c......c.....", "c.....c...c....."), 57, 78),
        Part(("sweep pad", "halo pad"), (HELD,), 50, 58), None, ("minor",), progressions="static", pump=True, build_ups=True,
    ),
    Style(
        "dub techno", ("deep dub techno", "dub"), (116, 126), ("deep", "foggy", "hypnotic"), 25,
        ({KICK: FOUR, HAT: OFFBEAT, RIM: "..........x....."}, {KICK: FOUR, OPEN_HAT: OFFBEAT, SHAKER: "o.o.o.o.o.o.o.o."}),
        Part(("sub bass",), ("1-----..1--.5---", "..1-..1-....1-8-", "1-..1-......1-.."), 33, 100),
        Part(("polysynth", "electric piano"), ("...c............", "......c..c......", "...c..c........."), 57, 84),
        Part(("warm pad", "sweep pad"), (HELD,), 50, 58), None, ("minor",), sevenths=True, progressions="static", pump=True,
    ),
    Style(
        "drum and bass", ("dnb", "liquid drum and bass", "jungle"), (168, 176), ("energetic", "liquid", "dark"), 24,
        ({KICK: "X.........x.....", SNARE: "....X.......X...", HAT: EIGHTHS, RIDE: "x...x...x...x..."},
         {KICK: "X.....x...x.....", SNARE: "....X..o.o..X...", HAT: "x.x.x.x.x.x.x.x."}),
        Part(("sub bass", "synth bass"), ("1-----..1-----..", "1---..1-..5-----", "1-------8---5---"), 31, 104),
        Part(("electric piano", "polysynth"), ("c-----c---------", "c---------c-----"), 57, 76),
        Part(("warm pad", "slow strings"), (HELD,), 55, 66), Part(("flute", "square lead"), ("",), 69, 78), sevenths=True, build_ups=True,
    ),
    Style(
        "trap", ("trap beat", "dark trap"), (130, 150), ("dark", "menacing", "cold"), 25,
        ({KICK: "X.....x...x.....", CLAP: "........X.......", HAT: "x.x.x.x.x.xxx.x."}, {KICK: "X..x......x..x..", CLAP: "........X.......", HAT: "x.x.xxx.x.x.xxxx"}),
        Part(("sub bass",), ("1-------..1-----", "1--1----..1---5-"), 28, 112),
        Part(("piano", "choir"), ("a...b...d...b...", "a-----b-----d---"), 60, 80), Part(("slow strings", "choir"), (HELD,), 55, 60),
        Part(("square lead", "flute"), ("",), 69, 76), ("minor",), build_ups=True,
    ),
    Style(
        "lo-fi hip hop", ("lo-fi", "lofi beat", "chillhop"), (70, 90), ("mellow", "dusty", "relaxed"), 0,
        ({KICK: "X......x..x.....", SNARE: BACKBEAT, HAT: EIGHTHS}, {KICK: "X.....x.x.......", SNARE: BACKBEAT, HAT: "x.oxx.o.x.oxx.o."}),
        Part(("upright bass", "electric bass"), ("1-----..1-....5-", "1---....5---8---"), 33, 92),
        Part(("electric piano", "nylon guitar"), ("c-------....c---", "c---..c---------"), 57, 76),
        None, Part(("vibraphone", "muted trumpet", "flute"), ("",), 67, 74), sevenths=True, progressions="jazz", swing=0.6,
    ),
    Style(
        "ambient", ("drone", "ambient soundscape", "atmospheric"), (60, 90), ("calm", "floating", "spacious"),
        bass=Part(("slow strings", "sub bass"), ("1---------------",), 36, 66),
        chords=Part(("piano", "vibraphone", "electric piano"), ("a---..b---..d---", "a-------d-------", "a...b...d...b..."), 60, 64),
        pad=Part(("warm pad", "halo pad", "choir", "sweep pad"), (HELD,), 55, 78), sevenths=True,
    ),
    Style(
        "synthwave", ("retrowave", "80s synth"), (84, 112), ("nostalgic", "neon", "driving"), 24,
        ({KICK: FOUR, SNARE: BACKBEAT, HAT: EIGHTHS}, {KICK: "X.......X.x.....", SNARE: BACKBEAT, HAT: EIGHTHS, TOM_MID: "..............xx"}),
        Part(("synth bass",), ("1.1.1.1.1.1.1.1.", "1.8.1.8.1.8.1.8.", "11.111.111.111.1"), 33, 98),
        Part(("polysynth",), ("a.b.d.b.a.b.d.b.", "c---....c---...."), 60, 78), Part(("warm pad", "strings"), (HELD,), 55, 70),
        Part(("saw lead", "square lead"), ("",), 69, 84), ("minor", "major"), build_ups=True,
    ),
    Style(
        "trance", ("uplifting trance",), (132, 140), ("euphoric", "uplifting", "bright"), 24,
        ({KICK: FOUR, OPEN_HAT: OFFBEAT, CLAP: BACKBEAT, HAT: "oooo" * 4},),
        Part(("synth bass",), (".111.111.111.111", "..1...1...1...1."), 33, 96),
        Part(("saw lead", "polysynth"), ("abdbabdbabdbabdb", "a.bda.bda.bda.bd"), 64, 74), Part(("strings", "warm pad"), (HELD,), 55, 72),
        Part(("saw lead",), ("",), 72, 84), ("minor",), pump=True, build_ups=True,
    ),
    Style(
        "rock", ("indie rock", "guitar rock"), (104, 144), ("energetic", "raw", "driving"), 16,
        ({KICK: "X.......X.x.....", SNARE: BACKBEAT, HAT: EIGHTHS}, {KICK: "X..x....X.x.....", SNARE: BACKBEAT, RIDE: "x.x.x.x.x.x.x.x."}),
        Part(("picked bass", "electric bass"), ("1.1.1.1.1.1.1.1.", "1---1.1.1---1.5."), 31, 96),
        Part(("overdriven guitar", "distorted guitar"), ("c-c.c-c.c-c.c-c.", "c---..c-c---..c-"), 48, 78), None,
        Part(("overdriven guitar", "clean guitar"), ("",), 64, 84),
    ),
    Style(
        "funk", ("funky groove", "funk band"), (96, 116), ("groovy", "playful", "tight"), 8,
        ({KICK: "X..x..x...x.....", SNARE: "....X..o.o..X..o", HAT: SIXTEENTHS}, {KICK: "X.x.......x..x..", SNARE: BACKBEAT, HAT: "x.oxx.oxx.oxx.ox"}),
        Part(("slap bass", "electric bass"), ("1..8..1.1..71.8.", "1.1...8...7.5..."), 31, 100),
        Part(("clavinet", "clean guitar", "muted guitar"), ("..c..c....c..c..", "c..c...c..c...c."), 60, 80), None,
        Part(("brass", "saxophone"), ("",), 64, 86), sevenths=True, progressions="blues",
    ),
    Style(
        "reggae", ("roots reggae", "dub reggae"), (66, 84), ("sunny", "laid-back", "warm"), 0,
        ({KICK: "........X.......", RIM: "........X.......", HAT: "x.o.x.o.x.o.x.o."}, {KICK: "X.......X.......", RIM: "........X.......", HAT: OFFBEAT}),
        Part(("electric bass",), ("1---..1.5---8---", "1-..1-..5-..1---", "..1-1-..8-5-1---"), 31, 104),
        Part(("organ", "clean guitar"), ("....c.......c...", "..c...c...c...c."), 57, 82), None,
        Part(("saxophone", "trumpet", "organ"), ("",), 64, 78), swing=0.56,
    ),
    Style(
        "ballad", ("piano ballad", "slow pop ballad"), (62, 80), ("tender", "sad", "romantic"), 0,
        ({KICK: "X.......x.x.....", RIM: BACKBEAT, HAT: EIGHTHS}, {KICK: "X.........x.....", SNARE: BACKBEAT, HAT: EIGHTHS}),
        Part(("electric bass",), ("1-------1---5---", "1-----------1-5-"), 31, 88), Part(("piano",), ("a.b.d.b.a.b.d.b.", "c---c---c---c---"), 55, 84),
        Part(("strings", "slow strings"), (HELD,), 55, 64), Part(("strings", "flute", "saxophone"), ("",), 67, 74),
    ),
    Style("bossa nova", ("bossa", "brazilian bossa nova"), (110, 144), ("relaxed", "sunny", "elegant"), 0, sevenths=True, progressions="jazz",
          lead=Part(("flute", "saxophone", "vibraphone"), ("",), 67, 80),
          mma={"intro": "BossaNova", "verse": "BossaNova", "chorus": "BossaNovaPlus", "verse2": "BossaNova2Sus", "outro": "BossaNova"}),
    Style("swing", ("swing jazz", "jazz combo", "jazz"), (120, 176), ("playful", "smoky", "elegant"), 0, sevenths=True, progressions="jazz",
          lead=Part(("saxophone", "muted trumpet", "vibraphone"), ("",), 65, 82), swing=0.66,
          mma={"intro": "Swing", "verse": "SwingWalk", "chorus": "SwingWalkPlus", "verse2": "Swing1Walk", "outro": "Swing"}),
    Style("blues", ("blues shuffle", "slow blues"), (76, 120), ("gritty", "lazy", "soulful"), 0, sevenths=True, progressions="blues",
          lead=Part(("overdriven guitar", "saxophone", "organ"), ("",), 62, 84), swing=0.66,
          mma={"intro": "Blues", "verse": "Blues", "chorus": "BluesTriple", "verse2": "Blues1", "outro": "Blues"}),
    Style("waltz", ("jazz waltz", "three-four waltz"), (96, 150), ("graceful", "dreamy", "light"), 0, sevenths=True, progressions="jazz", beats=3,
          lead=Part(("flute", "vibraphone", "piano"), ("",), 67, 78),
          mma={"intro": "JazzWaltz", "verse": "JazzWaltz", "chorus": "JazzWaltz1Sus", "verse2": "JazzWaltz2", "outro": "JazzWaltz"}),
)  # fmt: skip
