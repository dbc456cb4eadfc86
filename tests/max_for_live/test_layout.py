"""The device's face as a table: every control has a place of its own, and names that Live can tell apart."""

from __future__ import annotations

from itertools import combinations

from max_for_live.layout import CONTROLS, HEIGHT, WIDTH


def test_names_are_unique():
    parameters = [control for control in CONTROLS if control.is_parameter]
    for names in ([c.name for c in CONTROLS], [c.long for c in parameters], [c.short for c in parameters]):
        assert len(set(names)) == len(names)


def test_every_control_lies_within_the_device_and_covers_no_other():
    for control in CONTROLS:
        x, y, width, height = control.rect
        assert min(x, y) >= 0 and x + width <= WIDTH and y + height <= HEIGHT, control.name
    for one, other in combinations(CONTROLS, 2):
        (x, y, w, h), (x2, y2, w2, h2) = one.rect, other.rect
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y, (one.name, other.name)


def test_a_parameter_begins_at_a_value_that_it_can_have_and_explains_itself():
    for control in CONTROLS:
        if control.is_parameter:
            assert control.low <= control.initial <= control.high and control.info.endswith("."), control.name
            assert not control.choices or control.high == len(control.choices) - 1, control.name


def test_go_and_stop_can_be_mapped_and_what_the_device_moves_is_hidden():
    invisible = {control.name: control.invisible for control in CONTROLS if control.is_parameter}
    assert {name for name, value in invisible.items() if value == 0} >= {
        "go",
        "stop",
        "again",
        "listen",
        "place",
        "mode",
        "bars",
        "gain",
    }
    assert (invisible["take"], invisible["favourite"]) == (2, 2)
