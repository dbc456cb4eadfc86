"""Where in a file a key stands."""

from __future__ import annotations

import pytest

from bridge import toml_file

TEXT = """# port = 1
port = 7
"folder" = "x"

[[preset]]
name = "a"
[[ preset ]]
bpm=3
name = "b"
"""


@pytest.mark.parametrize(
    ("key", "table", "line"),
    [("port", None, 2), ("folder", None, 3), ("name", None, None), ("name", 0, 6), ("bpm", 1, 8), ("name", 1, 9), ("key", 1, 7)],
)
def test_a_key_has_a_line(key, table, line):
    assert toml_file.line_of(TEXT, key, table) == line


def test_what_is_not_toml_tells_its_line(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text("a = 1\nb = \n")
    with pytest.raises(ValueError, match="line 2"):
        toml_file.read(file)
