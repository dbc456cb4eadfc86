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


def test_what_is_not_toml_reports_its_line(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text("a = 1\nb = \n")
    with pytest.raises(ValueError, match="line 2"):
        toml_file.read(file)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path, encoding):
    """As editors on Windows save it."""
    file = tmp_path / "x.toml"
    file.write_bytes('port = 7\r\nfolder = "Übung"\r\n'.encode(encoding))
    values, text = toml_file.read(file)
    assert values == {"port": 7, "folder": "Übung"} and toml_file.line_of(text, "folder") == 2
    toml_file.write(file, toml_file.with_table(toml_file.read_text(file), "preset", {"name": "a"}))
    assert toml_file.read(file)[0]["preset"] == [{"name": "a"}]
