"""The table of the OSC interface as Markdown, as it stands in README.md beside this file."""

from __future__ import annotations

from bridge.osc import spec
from bridge.osc.spec import Field, Message


def as_markdown() -> str:
    """Commands, replies and codes as tables."""
    lines = ["| command | does | answers |", "|---|---|---|"]
    for message in spec.COMMANDS.values():
        answers = ", ".join(message.answers)
        lines.append(f"| `{_usage(message)}` | {message.doc} | {answers} |")
    lines += _keys_as_markdown(spec.COMMANDS)
    lines += ["", "| reply | says |", "|---|---|"]
    lines += [f"| `{_usage(message)}` | {message.doc} |" for message in spec.REPLIES.values()]
    lines += _keys_as_markdown(spec.REPLIES)
    lines += ["", "| code of a fail | means |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in spec.FAIL_CODES.items()]
    return "\n".join(lines) + "\n"


def _usage(message: Message) -> str:
    words = [message.address, "id", *(f"{field.name}:{field.type}" for field in message.arguments)]
    return " ".join(words + (["[key value …]"] if message.pairs else []))


def _keys_as_markdown(table: dict[str, Message]) -> list[str]:
    """Each key once, with the names of the messages that take it."""
    users: dict[Field, list[str]] = {}
    for message in table.values():
        for field in message.pairs:
            users.setdefault(field, []).append(spec.short_name(message.address))
    lines = ["", "| key | value | meaning | of |", "|---|---|---|---|"]
    return lines + [f"| `{field.name}` | {field.allowed} | {field.doc} | {', '.join(names)} |" for field, names in users.items()]
