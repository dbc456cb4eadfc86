"""Commands about what MIDI does: listing, learning and forgetting it."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from bridge.cli.connection import answered, connect, expected, fail
from bridge.cli.consoles import err, out
from bridge.cli.options import AsJson, Port, with_keys_of
from bridge.osc.client import new_id
from bridge.osc.replies import Ack, BindingInfo, Reply
from bridge.osc.spec import MIDI_ACTIONS, MIDI_KINDS

app = typer.Typer()
_midi = typer.Typer(invoke_without_command=True)
app.add_typer(_midi, name="midi")


@_midi.callback()
def midi(context: typer.Context, port: Port = None, as_json: AsJson = False) -> None:
    """List what notes, programs and controllers do; learn and forget it."""
    if context.invoked_subcommand:
        return
    with connect(port, no_start=True) as client:
        _, bindings = answered(client.bindings())
        source = answered(client.status()).pairs.get("midi_in", "nowhere: set midi_in in the settings")
    for binding in bindings:
        _show(binding, as_json)
    if not as_json:
        err.print(f"MIDI comes from {source}", markup=False)


@_midi.command()
@with_keys_of("/inspire/midi/learn")
def learn(
    action: Annotated[str, typer.Argument(help=f"one of {', '.join(MIDI_ACTIONS)}", autocompletion=lambda: [*MIDI_ACTIONS])],
    port: Port = None,
    as_json: AsJson = False,
    **pairs: Any,
) -> None:
    """Let the next note, program or controller that comes do this. Ctrl-C ends it."""
    id = new_id()
    end: Reply | None = None
    with connect(port, no_start=True) as client:
        try:
            for reply in client.learn(action, id=id, **pairs):
                if end is None and isinstance(reply, Ack) and not as_json:
                    err.print("play the note, send the program or move the controller")
                end = answered(reply)
        except KeyboardInterrupt:
            client.cancel(id)
            fail("nothing was learnt", 130)
    _show(expected(end, BindingInfo), as_json)


@_midi.command()
def forget(
    kind: Annotated[str, typer.Argument(help=f"one of {', '.join(MIDI_KINDS)}", autocompletion=lambda: [*MIDI_KINDS])],
    number: Annotated[int | None, typer.Argument(help="of the note, program or controller; the one for any if not given")] = None,
    channel: Annotated[int | None, typer.Option(help="the one for any if not given")] = None,
    port: Port = None,
) -> None:
    """Let a note, program or controller do nothing any more."""
    with connect(port, no_start=True) as client:
        answered(client.forget(kind, number, channel))


def _show(binding: BindingInfo, as_json: bool) -> None:
    pairs = binding.pairs
    if as_json:
        print(json.dumps({"kind": binding.kind, "action": binding.action, **pairs}))
        return
    trigger = f"{binding.kind} {pairs.get('number', 'any')}, channel {pairs.get('channel', 'any')}"
    span = ", ".join(f"{name} = {pairs[name]:g}" for name in ("low", "high") if name in pairs)
    details = ", ".join(filter(None, [pairs.get("values"), span]))
    out.print(f"{trigger:>30}  {binding.action}  {details}".rstrip(), markup=False)
