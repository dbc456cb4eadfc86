"""The REAPER scripts as files: language, the API's names, and the pure half."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config.settings import Settings
from bridge.osc import spec
from bridge.reaper import build
from tests.bridge.conftest import ROOT
from tests.missing import needs

HERE = Path(__file__).parent
SCRIPTS = sorted(build.SCRIPTS.rglob("*.lua"))
TOOLS = {"lua5.3": "lua5.3", "lua5.4": "lua5.4", "luac5.3": "lua5.3", "luac5.4": "lua5.4", "luacheck": "lua-check"}
GFX_VALUES = {"x", "y", "w", "h", "mouse_x", "mouse_y", "mouse_cap", "mouse_wheel"}


def run(tool: str, *arguments: object, **more: object) -> subprocess.CompletedProcess:
    needs(tool, TOOLS[tool])
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, **more)


@pytest.mark.parametrize("compiler", ["luac5.3", "luac5.4"])
def test_each_script_is_lua(compiler):
    for script in SCRIPTS:
        assert run(compiler, "-p", script).returncode == 0, script


def luacheck(folder: Path, tmp_path: Path) -> subprocess.CompletedProcess:
    functions = json.loads((HERE / "reascript.json").read_text())["functions"]
    fields = sorted(name for name in functions if name.startswith("reaper."))
    drawing = [name.removeprefix("gfx.") for name in functions if name.startswith("gfx.")]
    config = tmp_path / "config.lua"
    lines = ["std = 'lua53'", "max_line_length = 140", "codes = true", "stds.host = { read_globals = { reaper = { fields = {"]
    lines += [f"  {name.removeprefix('reaper.')} = {{}}," for name in fields]
    lines += ["} } }, globals = { gfx = { fields = {"]
    lines += [f"  {name} = {{}}," for name in [*drawing, *sorted(GFX_VALUES)]]
    lines += ["} } } }", "std = 'lua53+host'"]
    config.write_text("\n".join(lines))
    return run("luacheck", "--no-color", "--config", config, folder)


def test_the_linter_finds_nothing(tmp_path):
    found = luacheck(build.SCRIPTS, tmp_path)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    "mutant",
    ["reaper.GetActiveTakes(item)", "local unused = 1", "gfx.mouse_z = 1", "undefined_name()", "reaper.defer = nil"],
)
def test_the_linter_would_find(tmp_path, mutant):
    folder = tmp_path / "mutant"
    folder.mkdir()
    (folder / "a.lua").write_text(f"local item = 1\nprint(item)\n{mutant}\n")
    assert luacheck(folder, tmp_path).returncode != 0


@pytest.mark.parametrize("version", ["5.3", "5.4"])
def test_the_pure_half_and_the_mock(version):
    needs("busted", "lua-busted")
    environment = {**os.environ, "INSPIRE_TEST_FOLDER": str(HERE), "LUA_PATH": f"{build.SCRIPTS}/?.lua;{HERE}/?.lua;;"}
    done = run(f"lua{version}", shutil.which("busted"), "-o", "TAP", HERE / "spec", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^ok ", done.stdout, re.M)) >= 20


def test_the_tables_are_those_of_the_names_in_use():
    """Trimmed: no more and no less than the scripts call."""
    text = "".join(script.read_text("utf-8") for script in SCRIPTS)
    used = set(re.findall(r"\b(?:reaper|gfx)\.\w+", text)) - {f"gfx.{name}" for name in GFX_VALUES}
    assert used == set(json.loads((HERE / "reascript.json").read_text())["functions"])
    imgui = json.loads((HERE / "reaimgui.json").read_text())
    assert set(re.findall(r"\bImGui\.(\w+)", text)) == set(imgui["functions"])
    assert set(re.findall(r'constant\("(\w+)"\)', text)) == set(imgui["enums"])


def test_what_is_read_of_replies_is_what_the_daemon_says():
    """A name that no reply has would be nothing for ever: an empty column, and no error."""
    known = {f.name for reply in spec.REPLIES.values() for f in (*reply.arguments, *reply.pairs)} | {"what", "id"}
    read = {
        name: file.name
        for file in [*SCRIPTS, build.FOLDER / "record_panel.lua"]
        for name in re.findall(r"\b(?:reply|entry)\.(\w+)", file.read_text("utf-8"))
    }
    printed = re.findall(r"session:receive\(\{(.*?)\}\)", (build.FOLDER / "record_panel.lua").read_text("utf-8"))
    read |= {name: "record_panel.lua" for values in printed for name in re.findall(r"(\w+) =", values)}
    assert len(read) > 15 and {name: file for name, file in read.items() if name not in known} == {}


def test_every_undo_step_is_opened_in_one_place():
    """Only `place.in_one_step` may, and it closes it whatever happens."""
    for file in SCRIPTS:
        calls = re.findall(r"Undo_BeginBlock2|PreventUIRefresh", file.read_text("utf-8"))
        assert calls == (["Undo_BeginBlock2", "PreventUIRefresh", "PreventUIRefresh"] if file.name == "place.lua" else [])


def test_the_scripts_look_where_the_daemon_puts_its_mailbox(tmp_path):
    program = "reaper = {GetExtState = function() return '' end, GetOS = function() return 'Other' end}"
    program += "print(require('inspire.files').mailbox())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("INSPIRE_", "XDG_"))}
    environment |= {"LUA_PATH": f"{build.SCRIPTS}/?.lua;;", "HOME": str(tmp_path)}
    needs("lua5.4", "lua5.4")
    for more in ({}, {"XDG_STATE_HOME": str(tmp_path / "x")}, {"INSPIRE_STATE_FOLDER": str(tmp_path / "s")}):
        command = ["lua5.4", "-e", program]
        reported = subprocess.run(command, env=environment | more, capture_output=True, text=True, check=True).stdout.strip()
        code = "from bridge.config.settings import load_settings; print(load_settings().mailbox_folder)"
        python = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | more, cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert reported == python.stdout.strip()
    assert Settings(mailbox="none").mailbox_folder is None


def test_the_readme_names_every_action_and_module():
    text = (build.FOLDER / "README.md").read_text("utf-8")
    for script in build.SCRIPTS.glob("Inspire - *.lua"):
        verb = re.match(r"Inspire - (Stop, keep|\w+)", script.stem)[1]
        assert f"**{verb}**" in text
    assert "panel.png" in text
