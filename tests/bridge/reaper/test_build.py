"""What is written beside the Lua sources: the daemon's table as Lua, and ReaPack's index."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from urllib.parse import unquote

from bridge.reaper import build

SCRIPTS = sorted(build.SCRIPTS.rglob("*.lua"))


def test_what_follows_from_the_daemons_table_is_up_to_date():
    assert (build.SCRIPTS / "inspire" / "protocol.lua").read_text("utf-8") == build.protocol_lua()


def test_the_index_names_every_file_once_and_each_action(tmp_path):
    base = "https://example.org/reaper"
    root = ET.fromstring(build.index_xml(base).encode())
    assert (root.tag, root.get("version")) == ("index", "1")
    package = root.find("category/reapack")
    version = package.find("version")
    assert (package.get("type"), version.get("name")) == ("script", build.header(build.SCRIPTS / "Inspire.lua")["version"][0])
    assert re.fullmatch(r"\d+\.\d+\.\d+", version.get("name"))
    sources = version.findall("source")
    named = [source.get("file", package.get("name")) for source in sources]
    assert sorted(named) == [script.relative_to(build.SCRIPTS).as_posix() for script in SCRIPTS]
    for source, name in zip(sources, named, strict=True):
        assert unquote(source.text) == f"{base}/Inspire/{name}" and " " not in source.text
        assert (source.get("main") == "main") == ("/" not in name)


def test_a_header_is_read_to_its_end(tmp_path):
    script = tmp_path / "x.lua"
    lines = ["-- @description A panel", "-- @provides", "--   [main] a.lua", "--   [nomain] b/*.lua", "local x", "-- @version 9"]
    script.write_text("\n".join(lines))
    assert build.header(script) == {"description": ["A panel"], "provides": ["[main] a.lua", "[nomain] b/*.lua"]}
