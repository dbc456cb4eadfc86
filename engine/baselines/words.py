"""What a model is given to read that has no fields for tempo and key."""

from __future__ import annotations

from engine.api import GenerationRequest


def prompt_words(request: GenerationRequest) -> str:
    """The prompt, and what else was asked for, as words."""
    more = [request.key or "", f"{request.bpm:g} bpm" if request.bpm else ""]
    return ", ".join([request.prompt, *(word for word in more if word and word.casefold() not in request.prompt.casefold())])
