"""The MIDI map: what stands in settings.toml, what it makes of messages, and how it is changed."""

from __future__ import annotations

import tomllib

import mido
import pytest

from bridge.config.settings import load_settings
from bridge.errors import MessageError, SettingsError
from bridge.midi import bindings
from bridge.midi.bindings import Binding, MapError
from bridge.midi.controller import MidiControl
from bridge.osc.commands import Cancel, Draft, Forget, SelectBank, SelectPreset, SetGain, SetPaused, StepPreset, Submit

MAP = """port = 0  # mine

[[midi_map]]
note = 36
channel = 10
action = "generate"
bars = 2
bpm = 100

# the stop pad
[[midi_map]]
note = 37
action = "cancel"

[[midi_map]]
controller = 7
action = "gain"

[[midi_map]]
controller = 1
action = "guidance"
low = 2.0
high = 6
[[midi_map]]
program = "any"
action = "preset/select"
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.toml"


@pytest.fixture
def control(file):
    file.write_text(MAP)
    return MidiControl(file)


def note(number: int, channel: int = 10, velocity: int = 90) -> mido.Message:
    return mido.Message("note_on", note=number, channel=channel - 1, velocity=velocity)


def controller(number: int, value: int, channel: int = 1) -> mido.Message:
    return mido.Message("control_change", control=number, value=value, channel=channel - 1)


# ---- what is played


def test_a_pad_generates_the_selected_preset_and_another_cancels_it(control):
    (made,) = control.commands_of(note(36))
    assert isinstance(made, Draft) and made.preset == "selected" and made.ours["play"]
    assert (made.music["bars"], made.music["bpm"], made.music["prompt"]) == (2, 100, "")
    (second,) = control.commands_of(note(36))
    assert second.id != made.id
    assert [command.job for command in control.commands_of(note(37, channel=3))] == [made.id, second.id]
    assert control.commands_of(note(37)) == []  # nothing is left to cancel


def test_a_controller_turns_and_a_program_selects(control):
    gains = [control.commands_of(controller(7, value, channel=5))[0].gain_db for value in (0, 127, 127)]
    assert gains == [-60, 0, 0]
    assert control.commands_of(controller(1, 127)) == []
    (made,) = control.commands_of(note(36))
    assert made.music["guidance"] == 6
    control.commands_of(controller(1, 0))
    assert control.commands_of(note(36))[0].music["guidance"] == 2
    (selected,) = control.commands_of(mido.Message("program_change", program=12))
    assert isinstance(selected, SelectPreset) and selected.preset == "12"


def test_what_is_not_meant_does_nothing(control):
    others = [note(36, channel=9), note(36, velocity=0), mido.Message("note_off", note=36, channel=9), note(35), controller(8, 9)]
    others += [mido.Message("clock"), mido.Message("pitchwheel"), mido.Message("sysex", data=[1]), mido.Message("songpos")]
    assert [control.commands_of(message) for message in others] == [[]] * len(others)


def test_a_button_that_is_a_controller_is_pressed_once(file):
    file.write_text('[[midi_map]]\ncontroller = 64\naction = "preset/next"\n')
    control = MidiControl(file)
    received = [bool(control.commands_of(controller(64, value))) for value in (0, 63, 64, 90, 127, 127, 40, 0, 127)]
    assert received == [False, False, True, False, False, False, False, False, True]


@pytest.mark.parametrize(
    ("action", "values", "command"),
    [
        ("preset/select", {"preset": "Funk"}, SelectPreset("x", "Funk")),
        ("preset/next", {}, StepPreset("x", 1)),
        ("preset/previous", {}, StepPreset("x", -1)),
        ("preset/bank", {"bank": "band"}, SelectBank("x", "band")),
        ("pause", {}, SetPaused("x", True)),
        ("gain", {"gain_db": -6}, SetGain("x", -6.0)),
    ],
)
def test_an_action_is_an_osc_command(action, values, command):
    assert Binding("note", 1, None, action, values).command("x", 100) == command


def test_a_jobs_own_words_win():
    made = Binding("note", 1, None, "generate", {"prompt": "dub", "guidance": 3, "play": 0}).command("x", 1, guidance=7.0)
    assert isinstance(made, Submit) and not made.play and (made.request.prompt, made.request.guidance) == ("dub", 3)
    sketch = Binding("note", 1, None, "sketch", {"preset": "Funk", "start": "bar"}).command("x", 1)
    assert isinstance(sketch, Draft) and sketch.is_sketch and sketch.preset == "Funk" and sketch.ours["start"] == "bar"


def test_the_most_particular_binding_is_meant():
    meant = [("note", 1, 2), ("note", 1, None), ("note", None, 2), ("note", None, None)]
    table = [Binding(*trigger, "preset/next") for trigger in meant]
    for place, (number, channel) in enumerate([(1, 2), (1, 3), (5, 2), (5, 3)]):
        assert bindings.find(table, "note", number, channel).trigger == meant[place]
    assert bindings.find(table, "program", 1, 1) is None


# ---- what is wrong


@pytest.mark.parametrize(
    ("table", "line", "reported"),
    [
        ('action = "generate"', 3, "exactly one of note, program, controller"),
        ('note = 1\nprogram = 2\naction = "generate"', 4, "exactly one of"),
        ('note = 128\naction = "generate"', 3, "note is 128: a whole number from 0 to 127, or 'any', is allowed"),
        ('note = "C3"\naction = "generate"', 3, "note is 'C3'"),
        ('note = true\naction = "generate"', 3, "note is True"),
        ('note = 1\nchannel = 0\naction = "generate"', 4, "channel is 0: a whole number from 1 to 16"),
        ("note = 1", 2, "action is None: one of preset/select, "),
        ('note = 1\naction = "quit"', 4, "action is 'quit': one of preset/select, "),
        ('note = 1\naction = "generate"\nbars = 0', 5, "bars is 0: a whole number from 1 to 512"),
        ('note = 1\naction = "generate"\ntempo = 120', 5, "has no key 'tempo'"),
        ('note = 1\naction = "generate"\nreply_port = 7', 5, "reply_port"),
        ('note = 1\naction = "cancel"\njob = "x"', 5, "job"),
        ('note = 1\naction = "preset/bank"', 4, "needs bank"),
        ('note = 1\naction = "gain"', 4, "a note has no value for gain: give it gain_db, or use a controller"),
        ('controller = 1\naction = "preset/select"', 4, "use a program"),
        ('controller = 1\naction = "gain"\nlow = -200.0', 5, "low is -200.0: a number from -100 to 12"),
        ('controller = 1\naction = "guidance"\nhigh = 21', 5, "high is 21: a number from 0 to 20"),
        ('controller = 1\naction = "guidance"\nbars = 2', 5, "guidance has no key 'bars'"),
        ('note = 1\naction = "guidance"\nguidance = "much"', 5, "guidance is 'much'"),
        ('note = 1\naction = "generate"\nlow = 1.0', 5, "low is for a controller of gain or guidance only"),
        ('note = 1\naction = "generate"\n[[midi_map]]\nnote = 1\naction = "cancel"', 6, "note 1 on any channel stands above"),
    ],
)
def test_a_bad_table_is_reported_with_its_line(file, table, line, reported):
    file.write_text(f"port = 0\n[[midi_map]]\n{table}\n")
    with pytest.raises(SettingsError) as error:
        load_settings({}, {"INSPIRE_SETTINGS": str(file)})
    assert f"{file}, line {line}: " in str(error.value) and reported in str(error.value)


@pytest.mark.parametrize("text", ["midi_map = 1", "midi_map = [1]"])
def test_what_is_no_table_is_reported(text):
    with pytest.raises(MapError, match="line 1: midi_map is not a table"):
        bindings.read_tables(tomllib.loads(text)["midi_map"], text)


def test_a_file_that_breaks_leaves_the_map_as_it_was_and_is_reported_once(control, file, caplog):
    assert control.commands_of(note(37)) == [] and len(control.bindings) == 5
    file.write_text("[[midi_map]]\nnote = 999\n")
    assert len([control.commands_of(note(36)) for _ in range(3)][-1]) == 1
    assert caplog.text.count("line 2: note is 999") == 1
    with pytest.raises(SettingsError, match="note is 999"):
        _ = control.bindings
    with pytest.raises(SettingsError):
        control.forget(Forget("x", "note", 37))
    assert file.read_text() == "[[midi_map]]\nnote = 999\n"
    file.write_text('[[midi_map]]\nnote = 38\naction = "preset/next"\n')
    assert control.commands_of(note(36)) == [] and len(control.commands_of(note(38))) == 1
    file.unlink()
    assert control.commands_of(note(38)) == [] and control.bindings == ()


# ---- changing it


def test_a_change_keeps_everything_else(file):
    binding = Binding("controller", 7, 3, "gain", {}, -20.0, 3.0)
    text = bindings.edited(MAP, ("note", 36, 10), binding)
    assert text == MAP.replace('[[midi_map]]\nnote = 36\nchannel = 10\naction = "generate"\nbars = 2\nbpm = 100\n', "") + (
        '\n[[midi_map]]\ncontroller = 7\nchannel = 3\naction = "gain"\nlow = -20.0\nhigh = 3.0\n'
    )
    assert bindings.read_tables(tomllib.loads(text)["midi_map"], text)[-1] == binding
    for trigger in [("note", 37, None), ("controller", 7, None), ("controller", 1, None), ("program", None, None)]:
        text = bindings.edited(text, trigger, None)
    assert "# the stop pad" in text and text.startswith("port = 0  # mine\n") and text.count("[[midi_map]]") == 1
    text = bindings.edited(text, binding.trigger, None)
    assert tomllib.loads(text) == {"port": 0}
    assert tomllib.loads(bindings.edited("", binding.trigger, binding))["midi_map"] == [bindings.to_table(binding)]


@pytest.mark.parametrize(
    "text",
    [
        'midi_map = [{note = 1, action = "cancel"}]\n',
        '[[midi_map]]\nnote = 1\naction = "generate"\nprompt = """a\n[[midi_map]]\nb"""\n',  # looks like two
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(file, text):
    file.write_text(text)
    control = MidiControl(file)
    with pytest.raises(SettingsError, match="only people can change"):
        control.forget(Forget("x", "note", 1))
    assert file.read_text() == text


def test_forgetting(control, file):
    control.forget(Forget("x", "note", 37))
    assert control.commands_of(note(37)) == [] and len(control.bindings) == 4
    with pytest.raises(MessageError, match="note 37 on any channel does nothing: there are note 36 on channel 10, ") as error:
        control.forget(Forget("x", "note", 37))
    assert error.value.code == "no_such_binding"


def test_the_file_keeps_its_permissions_and_its_link(tmp_path, file):
    real = tmp_path / "dotfiles" / "inspire.toml"
    real.parent.mkdir()
    real.write_text(MAP)
    real.chmod(0o600)  # it may hold the token
    file.symlink_to(real)
    MidiControl(file).forget(Forget("x", "note", 37))
    assert file.is_symlink() and real.stat().st_mode & 0o777 == 0o600 and "stop pad" in real.read_text()
    assert [one.name for one in real.parent.iterdir()] == ["inspire.toml"]


def test_cancel_is_of_what_midi_asked_for(control):
    (made,) = control.commands_of(note(36))
    (cancel,) = control.commands_of(note(37))
    assert isinstance(cancel, Cancel) and cancel.job == made.id
