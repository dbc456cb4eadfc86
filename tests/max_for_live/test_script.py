"""The device's script: its language, Max's own interface, its messages, and its logic under Node."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from max_for_live.build import FOLDER, SCRIPT
from max_for_live.layout import CONTROLS
from max_for_live.protocol import script_table
from tests.max_for_live.conftest import HOST, node
from tests.missing import needs

HERE = Path(__file__).parent
CODE = (FOLDER / SCRIPT).read_text("utf-8")


def _without_comments(code: str) -> str:
    return re.sub(r"//[^\n]*", "", code)


def _patcher() -> dict:
    return json.loads((FOLDER / "Inspire.maxpat").read_text("utf-8"))["patcher"]


def _mujs(file: Path) -> subprocess.CompletedProcess:
    needs("mujs", "mujs")
    return subprocess.run(["mujs", str(file)], capture_output=True, text=True, timeout=60)


def test_it_is_es5_and_needs_nothing_of_max_or_live_to_load():
    """mujs has no built-in of ES6 either. It also shows that no LiveAPI is made while the script loads: there is none here."""
    done = _mujs(FOLDER / SCRIPT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "newer", ["let a = 1;", "var f = () => 1;", "`a`;", 'if (!"abc".startsWith("a")) { throw 1; }', "new LiveAPI();"]
)
def test_what_is_newer_is_caught(tmp_path, newer):
    mutant = tmp_path / "mutant.js"
    mutant.write_text(CODE + "\n" + newer + "\n", "utf-8")
    assert _mujs(mutant).returncode != 0


def test_it_is_read_alike_in_every_encoding():
    assert CODE.isascii() and "\\u00b7" in CODE


def test_max_has_every_function_that_it_calls(tmp_path):
    compiler = HERE / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.exists():
        pytest.skip("needs typescript and @types/maxmsp: run npm ci in tests/max_for_live")
    command = [
        node(),
        str(compiler),
        "--noEmit",
        "--allowJs",
        "--checkJs",
        "--lib",
        "ES5",
        "--target",
        "ES5",
        "--types",
        "maxmsp",
    ]
    command += [
        "--typeRoots",
        str(HERE / "node_modules" / "@types"),
        "--ignoreDeprecations",
        "5.0",
        str(HERE / "more_than_the_types_say.d.ts"),
        str(FOLDER / SCRIPT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=HERE)
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("file", sorted(path.name for path in HOST.glob("*.test.js")))
def test_under_node(file):
    done = subprocess.run([node(), "--test", str(HOST / file)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE), "no test ran"


def test_its_inlets_and_outlets_are_those_of_its_box():
    box = next(entry["box"] for entry in _patcher()["boxes"] if entry["box"].get("varname") == "script")
    said = {name: int(re.search(rf"^{name} = (\d)", CODE, re.MULTILINE)[1]) for name in ("inlets", "outlets")}
    assert said == {"inlets": box["numinlets"], "outlets": box["numoutlets"]}


def test_an_outlet_gets_one_array_and_no_apply():
    code = _without_comments(CODE)
    assert ".apply(" not in code, "outlet.apply crashes Live"
    assert not re.findall(r"\boutlet\(\d, (?!\[|message)", code)


def test_only_three_names_can_be_called_by_a_message():
    """Max calls a global function whenever a message of its name comes."""
    names = re.findall(
        r"^function (\w+)", CODE.split("var Device = ")[0] + CODE.split("return { receive: receive, end: end };")[1], re.MULTILINE
    )
    assert sorted(names) == ["Session", "anything", "notifydeleted"]


def test_every_message_that_a_box_sends_has_a_handler():
    sent = set()
    for entry in _patcher()["boxes"]:
        words = entry["box"].get("text", "").split()
        if words[:1] == ["prepend"]:
            sent.add(words[1])
        elif entry["box"]["maxclass"] == "message":
            sent.add(words[0])
    handlers = set(
        re.findall(
            r"(\w+): (?:number|press|chosenName|savedName|function|start|silence|drawRegion|askColours)\b",
            CODE.split("var Controls = {")[1],
        )
    )
    assert sent and sent <= handlers, sent - handlers


def test_every_message_to_the_face_and_the_sound_has_a_box():
    routes = [
        entry["box"]["text"].split()[1:] for entry in _patcher()["boxes"] if entry["box"].get("text", "").startswith("route ")
    ]
    known = {name for names in routes for name in names}
    named = set(re.findall(r'outlet\([23], \["(\w+)"', CODE)) | set(re.findall(r'show\("(\w+)", ', CODE))
    assert named <= known, named - known
    assert {control.name for control in CONTROLS if control.kind == "umenu"} <= known


def test_each_control_has_the_limits_of_its_parameter():
    limits = dict(re.findall(r"(\w+): (\[-?\d+, \d+\])", CODE.split("var LIMITS = {")[1].split("};")[0]))
    numbers = {c.name: [c.low, c.high] for c in CONTROLS if c.is_parameter and c.kind != "textedit"}
    buttons = {c.name for c in CONTROLS if c.kind == "live.text" and c.more["mode"] == 0} | {"favourite"}
    assert {name: json.loads(pair) for name, pair in limits.items()} == {n: p for n, p in numbers.items() if n not in buttons}


def test_what_it_asks_for_stands_in_the_table():
    table = json.loads(script_table().removeprefix("var TABLE = ").rstrip().removesuffix(";"))
    asked = set(re.findall(r'\.(?:ask|say)\("(\w+)"', CODE)) | {"generate", "continue", "again"}
    assert asked <= set(table["commands"])
    handled = set(re.findall(r"Session\.prototype\.on_(\w+)", CODE)) - {"job_state"}
    assert handled <= set(table["replies"])
