"""Live's dynamic colours by name, as published of its dark theme and of Max's light one: what pictures are drawn in.

The device itself names them only; Live says what they are.
"""

from __future__ import annotations

THEMES = {
    "dark": {
        "live_surface_bg": "#363636",
        "live_control_bg": "#1e1e1e",
        "live_control_text_bg": "#1e1e1e",
        "live_control_fg": "#b5b5b5",
        "live_control_fg_on": "#070707",
        "live_control_fg_off": "#b5b5b5",
        "live_control_selection": "#ffad56",
        "live_value_arc": "#03c3d5",
        "live_contrast_frame": "#111111",
        "live_lcd_bg": "#181818",
        "live_alert": "#e76942",
        "live_selection": "#b0ddeb",
        "live_control_fg_zombie": "#757575",
        "title": "#5d5d5d",
    },
    "light": {
        "live_surface_bg": "#878787",
        "live_control_bg": "#a5a5a5",
        "live_control_text_bg": "#c3c3c3",
        "live_control_fg": "#000000",
        "live_control_fg_on": "#000000",
        "live_control_fg_off": "#000000",
        "live_control_selection": "#ffb532",
        "live_value_arc": "#6dd7ff",
        "live_contrast_frame": "#505050",
        "live_lcd_bg": "#282828",
        "live_alert": "#f07050",
        "live_selection": "#c7edff",
        "live_control_fg_zombie": "#5a5a5a",
        "title": "#a5a5a5",
    },
}


def rgba(name: str, theme: str = "dark") -> list[float]:
    """As Max saves a colour: four numbers from 0 to 1."""
    colour = THEMES[theme][name]
    return [*(round(int(colour[i : i + 2], 16) / 255, 6) for i in (1, 3, 5)), 1.0]
