"""Writes what is committed beside the Lua sources and follows from elsewhere: `python -m bridge.reaper.build [--url BASE]`.

`Inspire/inspire/protocol.lua` is the daemon's table of replies; a test checks that it is up to date. `index.xml` is what ReaPack
reads, with every file under BASE: it is written only where BASE says where this folder is published, and is not committed.
"""

from __future__ import annotations

import argparse
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import quote

from bridge.osc import spec
from engine.api import MAX_DURATION_S, MAX_VARIATIONS, SECTIONS

FOLDER = Path(__file__).parent
SCRIPTS = FOLDER / "Inspire"
PANEL = "Inspire.lua"
_HEADER = re.compile(r"^-- @(\w+)[ ]?(.*)$")
_MORE = re.compile(r"^--   +(.*)$")


def protocol_lua() -> str:
    """The replies' arguments by name, and the reader of a reply."""
    names = [f"  [{_quoted(spec.short_name(address))}] = {{ {_list(reply)} }}," for address, reply in spec.REPLIES.items()]
    lines = [
        "-- Written by bridge/reaper/build.py from the daemon's table of messages: do not edit.",
        f"local protocol = {{ PROTOCOL = {spec.PROTOCOL} }}",
        f"protocol.SECTIONS = {{ {', '.join(map(_quoted, SECTIONS))} }}",
        f"protocol.LONGEST_S = {MAX_DURATION_S:g} -- of what is asked for in one go",
        f"protocol.MOST_TAKES = {MAX_VARIATIONS}",
        "",
        "-- What stands first in each reply after its id; key and value pairs follow.",
        "protocol.ARGUMENTS = {",
        *names,
        "}",
        "",
        "-- A reply's values by name, with `what` it is and `id`; nil for what is no reply.",
        "function protocol.read_reply(values)",
        '  local name = type(values[1]) == "string" and values[1]:match("^/inspire/(.+)$")',
        "  local arguments = name and protocol.ARGUMENTS[name]",
        "  if not arguments then",
        "    return nil",
        "  end",
        "  local reply = { what = name, id = values[2] }",
        "  for index, argument in ipairs(arguments) do",
        "    reply[argument] = values[2 + index]",
        "  end",
        "  for index = 3 + #arguments, #values - 1, 2 do",
        "    reply[values[index]] = values[index + 1]",
        "  end",
        "  return reply",
        "end",
        "",
        "return protocol",
    ]
    return "\n".join(lines) + "\n"


def header(script: Path) -> dict[str, list[str]]:
    """The ReaPack header of a script: each tag's lines."""
    tags: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in script.read_text("utf-8").splitlines():
        if found := _HEADER.match(line):
            lines = tags.setdefault(found[1], [found[2]] if found[2] else [])
        elif found := _MORE.match(line):
            lines.append(found[1])
        else:
            break
    return tags


def index_xml(base: str) -> str:
    tags = header(SCRIPTS / PANEL)
    root = ET.Element("index", version="1", name="Inspire")
    category = ET.SubElement(root, "category", name="Inspire")
    package = ET.SubElement(category, "reapack", name=PANEL, type="script", desc=tags["description"][0])
    version = ET.SubElement(package, "version", name=tags["version"][0], author=tags["author"][0], time="2026-11-28T00:00:00Z")
    ET.SubElement(version, "changelog").text = "\n".join(tags["changelog"])
    for file, is_action in provided(tags):
        attributes = {} if file == PANEL else {"file": file}
        if is_action:
            attributes["main"] = "main"
        ET.SubElement(version, "source", attributes).text = f"{base}/{quote(f'Inspire/{file}')}"
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def provided(tags: dict[str, list[str]]) -> list[tuple[str, bool]]:
    """The package's files and whether each is an action, as its panel's header says."""
    files = [(PANEL, True)]
    for line in tags["provides"]:
        kind, _, pattern = line.rpartition("] ") if line.startswith("[") else ("", "", line)
        found = sorted(path.relative_to(SCRIPTS).as_posix() for path in SCRIPTS.glob(pattern))
        files += [(name, kind == "[main") for name in found if name != PANEL]
    return files


def _list(message: spec.Message) -> str:
    return ", ".join(_quoted(field.name) for field in message.arguments)


def _quoted(text: str) -> str:
    return f'"{text}"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="where this folder is published: writes index.xml for ReaPack")
    url = parser.parse_args().url
    (SCRIPTS / "inspire" / "protocol.lua").write_text(protocol_lua(), "utf-8")
    if url:
        (FOLDER / "index.xml").write_text(index_xml(url.rstrip("/")), "utf-8")


if __name__ == "__main__":
    main()
