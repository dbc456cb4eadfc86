"""What is on the device's face: every control with its place, names and words. Sizes in pixels of Live's 169 high device view.

A set recalls a parameter by its long name, so a name here is never changed once released.
"""

from __future__ import annotations

from max_for_live.control import HIDDEN, MAPPABLE, Control, button, label, menu, tab, toggle, wave

WIDTH, HEIGHT, MARGIN = 784, 169, 6

MODES = ("Generate", "Continue", "Fill", "Arrange")
BARS = ("1", "2", "4", "8", "16")
TAKES = ("1", "2", "3", "4")
DRUMS = ("Auto", "With", "Without")
KEYS = ("Prompt", "Live")
PLACES = ("Auto", "Slot", "Arrangement", "Take lane", "New track")
LETTERS = ("A", "B", "C", "D")
RULER_MARKS = 8

_A, _B, _C, _D = 6, 192, 368, 624  # where the columns begin: what to play; how; what came of it; what to do with it
_C_WIDTH = 248

WHAT = (
    menu("bank", (_A, 6, 62, 17), "bank", "Which bank of presets the list beside it shows."),
    menu(
        "preset", (_A + 66, 6, 112, 17), "no preset", "A preset brings a prompt and what suits it. Your own words win over its."
    ),
    Control(
        "prompt",
        "textedit",
        (_A, 27, 178, 80),
        "",
        "Prompt",
        "Prompt",
        "What to play: style, instruments, mood, such as: dub techno, warm, no drums. Tempo and key come from Live.",
        size=12,
        colours={"bgcolor": "live_control_text_bg", "textcolor": "live_control_fg", "bordercolor": "live_contrast_frame"},
        more={"outputmode": 1, "nosymquotes": 1, "keymode": 1, "wordwrap": 1, "lines": 5, "rounded": 0.0, "border": 1.0},
    ),
    Control("host", "comment", (_A, 110, 178, 16), "120.00 bpm · 4/4", colours={"textcolor": "live_control_fg"}),
    menu("model", (_A, 128, 98, 17), "model", "The model that plays. The daemon lists those it has."),
    label("port_label", _A + 102, 128, 26, "Port"),
    Control(
        "port",
        "live.numbox",
        (_A + 132, 129, 46, 15),
        "",
        "Daemon Port",
        "Port",
        "The UDP port of the inspire daemon on this computer: 7770 unless you chose another. inspire status tells it.",
        low=1024,
        high=65535,
        initial=7770,
        unit="int",
    ),
    button(
        "record",
        (_A, 149, 178, 14),
        "Record input, then continue it",
        "Record Input",
        "Records what comes into the device until pressed again, then continues it: play, press, and it goes on.",
        short="Rec",
        invisible=MAPPABLE,
    ),
)

HOW = (
    tab(
        "mode",
        (_B, 6, 168, 18),
        "Mode",
        "Mode",
        "Generate: from the words alone. Continue: goes on from the source. Fill: replaces the region, both sides heard. "
        "Arrange: a whole piece, each locator a section, on from the clip that ends among them.",
        MODES,
        invisible=MAPPABLE,
    ),
    label("bars_label", _B, 29, 34, "Bars"),
    tab(
        "bars",
        (_B + 38, 29, 130, 16),
        "Bars",
        "Bars",
        "How long the new part is, in bars of the set.",
        BARS,
        initial=2,
        invisible=MAPPABLE,
    ),
    label("takes_label", _B, 49, 34, "Takes"),
    tab(
        "takes",
        (_B + 38, 49, 130, 16),
        "Takes",
        "Takes",
        "How many alternatives are made at once: A to D.",
        TAKES,
        invisible=MAPPABLE,
    ),
    label("drums_label", _B, 69, 34, "Drums"),
    tab(
        "drums",
        (_B + 38, 69, 130, 16),
        "Drums",
        "Drums",
        "Auto: as the words say. With: drums are asked for. Without: they are kept away.",
        DRUMS,
        invisible=MAPPABLE,
    ),
    label("key_label", _B, 89, 34, "Key"),
    tab(
        "key",
        (_B + 38, 89, 130, 16),
        "Key",
        "Key",
        "Live: the scale of the set is asked for, where it is major or minor and switched on. Prompt: only what the words say.",
        KEYS,
        initial=1,
    ),
    Control(
        "guidance",
        "live.dial",
        (_B, 112, 44, 48),
        "",
        "Guidance",
        "Guide",
        "How strictly words and source are followed. 0: as the preset or model likes it.",
        high=10,
        invisible=MAPPABLE,
    ),
    Control(
        "gain",
        "live.dial",
        (_B + 48, 112, 44, 48),
        "",
        "Monitor Gain",
        "Gain",
        "How loud you hear what is made and what you audition. Files keep their level.",
        low=-60,
        high=6,
        unit="dB",
        invisible=MAPPABLE,
    ),
    Control(
        "seed",
        "live.numbox",
        (_B + 100, 112, 68, 15),
        "",
        "Seed",
        "Seed",
        "The seed used while Lock is on: same seed, same music.",
        high=9999,
        unit="int",
    ),
    toggle(
        "lock",
        (_B + 100, 130, 68, 15),
        "Lock seed",
        "Seed Lock",
        "On: the next ones use this seed. Switching it on takes the seed of the result that is shown.",
        short="Lock",
    ),
    toggle(
        "hear",
        (_B + 100, 148, 68, 15),
        "Hear live",
        "Hear While Made",
        "On: heard on the daemon's audio device while it is made.",
        short="Hear",
        initial=1,
    ),
)

CAME = (
    Control(
        "status",
        "comment",
        (_C, 6, _C_WIDTH, 21),
        "looking for the daemon",
        size=11,
        colours={"bgcolor": "live_control_bg", "textcolor": "live_control_fg"},
    ),
    Control(
        "source",
        "comment",
        (_C, 29, _C_WIDTH, 15),
        "no source: select an audio clip",
        size=9,
        colours={"textcolor": "live_control_fg"},
    ),
    wave(
        "source_wave",
        (_C, 44, _C_WIDTH, 38),
        "live_control_selection",
        "The source, and in it what is continued or replaced. Drag to choose another part.",
        setmode=1,
    ),
    *(
        Control(
            f"ruler{mark + 1}",
            "comment",
            (_C + mark * _C_WIDTH // RULER_MARKS, 83, _C_WIDTH // RULER_MARKS, 14),
            "",
            size=8,
            colours={"textcolor": "live_control_fg"},
        )
        for mark in range(RULER_MARKS)
    ),
    wave(
        "result_wave",
        (_C, 98, _C_WIDTH, 48),
        "live_value_arc",
        "What was made, growing while it is made. The lines are bars.",
        setmode=0,
    ),
    Control("grid", "comment", (_C, 147, _C_WIDTH, 16), "", size=9, colours={"textcolor": "live_control_fg"}),
)

WHAT_NOW = (
    button(
        "go",
        (_D, 6, 96, 40),
        "Generate",
        "Go",
        "Makes it. Can be mapped to a pad or a pedal.",
        short="Go",
        size=12,
        invisible=MAPPABLE,
        colours={"activebgcolor": "live_control_selection", "activetextcolor": "live_control_fg_on"},
    ),
    button(
        "stop",
        (_D + 100, 6, 54, 40),
        "Stop, keep",
        "Stop and Keep",
        "Stops at once. What was made until then is kept.",
        short="Stop",
        invisible=MAPPABLE,
    ),
    button(
        "again",
        (_D, 50, 60, 17),
        "Again",
        "Again",
        "Makes the last one once more with another seed, or with the locked one.",
        invisible=MAPPABLE,
    ),
    Control(
        "where",
        "live.menu",
        (_D + 64, 51, 90, 15),
        "",
        "Place Where",
        "Where",
        "Where a result lands. Auto: below a session clip; at the beat in the arrangement; never over anything that is there.",
        PLACES,
        high=len(PLACES) - 1,
    ),
    menu("results", (_D, 71, 130, 17), "no results yet", "What was made, newest first. ♥ marks favourites."),
    toggle(
        "favourite",
        (_D + 134, 71, 20, 17),
        "♥",
        "Favourite",
        "A favourite: never removed for its space.",
        short="Fav",
        invisible=HIDDEN,
    ),
    tab("take", (_D, 92, 154, 22), "Take", "Take", "Which take is shown, auditioned and placed.", LETTERS, invisible=HIDDEN),
    button(
        "listen",
        (_D, 118, 75, 24),
        "Listen",
        "Listen",
        "Plays the take through this track, from the next bar where Live plays. Press again to stop.",
        invisible=MAPPABLE,
    ),
    button(
        "place",
        (_D + 79, 118, 75, 24),
        "Place",
        "Place",
        "Puts the take where it belongs, never over anything that is there.",
        invisible=MAPPABLE,
    ),
    button("reveal", (_D, 146, 42, 17), "Folder", "Show Folder", "Opens the folder of the result, to drag it from there."),
    button("place_all", (_D + 46, 146, 48, 17), "Place all", "Place All", "Puts every take into a slot or lane of its own."),
    toggle(
        "auto_place",
        (_D + 98, 146, 56, 17),
        "Auto place",
        "Auto Place",
        "On: every take is placed as soon as it is done. Off: nothing is placed until you say so.",
        short="Auto",
        initial=1,
    ),
)

CONTROLS = (*WHAT, *HOW, *CAME, *WHAT_NOW)
