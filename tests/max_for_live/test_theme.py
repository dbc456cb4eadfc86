"""Live's colours: they can be read, and Max gets them as numbers."""

from __future__ import annotations

import pytest

from max_for_live.theme import THEMES, rgba


def test_a_colour_is_saved_as_four_numbers_from_0_to_1():
    assert rgba("live_alert") == [round(0xE7 / 255, 6), round(0x69 / 255, 6), round(0x42 / 255, 6), 1.0]
    assert rgba("live_control_fg", "light") == [0.0, 0.0, 0.0, 1.0]


def test_both_themes_have_the_same_names():
    assert set(THEMES["dark"]) == set(THEMES["light"])


@pytest.mark.parametrize("theme", THEMES)
def test_letters_can_be_read_on_what_they_stand_on(theme):
    """Contrast as WCAG counts it; 4.5 is what it wants of small text."""
    colours = THEMES[theme]
    for letters, ground in (
        *(("live_control_fg", ground) for ground in ("live_surface_bg", "live_control_bg", "live_control_text_bg")),
        *(("live_control_fg_on", ground) for ground in ("live_control_selection", "live_value_arc", "live_alert")),
        *((wave, "live_lcd_bg") for wave in ("live_control_selection", "live_value_arc")),
    ):
        assert _contrast(colours[letters], colours[ground]) >= 4.5, (letters, ground)


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
