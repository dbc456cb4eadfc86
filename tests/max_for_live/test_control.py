"""The kinds of control: what Max needs to know of each."""

from __future__ import annotations

from max_for_live.control import HIDDEN, STORED, Control, button, label, menu, tab, toggle, wave

RECT = (0, 0, 10, 10)


def test_a_control_with_a_long_name_is_a_parameter():
    assert Control("x", "live.dial", RECT, long="Guidance").is_parameter and not label("x", 0, 0, 10, "Bars").is_parameter


def test_a_tab_has_a_number_for_each_choice():
    control = tab("mode", RECT, "Mode", "Mode", "What it does.", ("A", "B", "C"), initial=1)
    assert (control.kind, control.low, control.high, control.initial) == ("live.tab", 0, 2, 1)


def test_a_button_acts_when_it_is_let_go_and_is_never_saved_but_a_toggle_is():
    pressed, switched = button("go", RECT, "Go", "Go now", "Makes it."), toggle("lock", RECT, "Lock", "Seed Lock", "Keeps it.")
    assert (pressed.more, pressed.invisible) == ({"mode": 0, "outputmode": 1}, HIDDEN)
    assert (switched.more, switched.invisible) == ({"mode": 1, "texton": "Lock"}, STORED)
    assert pressed.short == "Go" and button("go", RECT, "Go", "Go now", "Makes it.", short="G").short == "G"


def test_a_menus_choice_is_no_parameter_as_its_number_would_not_last():
    assert not menu("preset", RECT, "no preset", "Which.").is_parameter


def test_a_waveform_reads_the_buffer_of_its_own_device():
    control = wave("result_wave", RECT, "live_value_arc", "What was made.", setmode=0)
    assert control.more["buffername"] == "---result_wave" and control.more["setmode"] == 0  # Live makes "---" unique
    assert control.colours["waveformcolor"] == "live_value_arc" and control.rect == RECT
