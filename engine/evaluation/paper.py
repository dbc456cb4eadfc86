"""What InspireMusic's paper says (arXiv 2503.00084), as far as we have it: settings and findings, and which figures we lack.

The paper's own figures (Fréchet distance on openl3, Kullback-Leibler divergence on PaSST, CLAP score, listening tests) need its
test set and those three networks. Whoever has the paper at hand gives its figures as a JSON file, `{row: figure}`, see `figures`.
"""

from __future__ import annotations

import json
from pathlib import Path

from engine.api import EngineError
from engine.evaluation.sections import UNKNOWN, Table

GUIDANCES = (1.0, 3.0, 5.0, 7.0, 10.0)  # the paper compares 3, 5, 7 and 10; 1 is without guidance
LENGTHS_S = (30.0, 60.0, 300.0)  # that the paper compares
RECOMMENDED = "the paper recommends 3.0, with the 350 likeliest tokens"

# Name, language model, sample rate of the result in kHz, parameters in billions, by way of.
VARIANTS = (
    ("InspireMusic-0.5B (w/o flow)", "0.5B", "24", "0.5", "tokens alone"),
    ("InspireMusic-0.5B-24kHz", "0.5B", "24", "0.8", "flow, no super resolution"),
    ("InspireMusic-0.5B", "0.5B", "48", "0.8", "flow and super resolution"),
    ("InspireMusic-1.5B (w/o flow)", "1.5B", "24", "1.5", "tokens alone"),
    ("InspireMusic-1.5B-24kHz", "1.5B", "24", "1.8", "flow, no super resolution"),
    ("InspireMusic-1.5B", "1.5B", "48", "1.8", "flow and super resolution"),
    ("InspireMusic-1.5B-Long (w/o flow)", "1.5B", "24", "1.5", "tokens alone"),
    ("InspireMusic-1.5B-Long", "1.5B", "48", "1.8", "flow and super resolution"),
)

# What MusicGen's publishers measured on MusicCaps: the model card (model_cards/MUSICGEN_MODEL_CARD.md) of
# https://github.com/facebookresearch/audiocraft (896ec7c). Name, Fréchet audio distance (VGGish), divergence (PaSST), CLAP score.
MUSICGEN = (
    ("musicgen-small", "4.88", "1.42", "0.27"),
    ("musicgen-medium", "5.14", "1.38", "0.28"),
    ("musicgen-large", "5.48", "1.37", "0.28"),
    ("musicgen-melody", "4.93", "1.41", "0.27"),
)

NOTES = (
    "The scores in the tables of InspireMusic's paper (arXiv 2503.00084) were looked for in public texts and repositories and "
    "not found: its abstract and its repository name none. --paper FILE puts them beside ours.",
    "MusicGen's own figures, on captions and recordings that are not here, compare its sizes, no more.",
)

FINDINGS = {
    "flow": "without flow, and without super resolution, the paper's models score lower; by how much is not known here",
    "baselines": "1.5B-Long performs comparably to MusicGen and Stable Audio 2.0, says its abstract; scores not known here",
    "guidance": f"3, 5, 7 and 10 are compared; {RECOMMENDED}; the scores are not known here",
    "length": "30 s, 1 min and 5 min are compared; the scores are not known here",
    "reconstruction": "the paper takes WavTokenizer and HiFi-Codec as they are published; no distances known here",
}


def variants() -> Table:
    """Table 1 of the paper."""
    columns = ("variant", "language model", "kHz", "parameters, billions", "audio by way of")
    return Table("the paper's variants (its table 1)", columns, list(VARIANTS))


def musicgen() -> Table:
    """A baseline of the paper, as its publishers measured it."""
    columns = ("model", "Fréchet distance on VGGish (lower is better)", "divergence on PaSST (lower)", "CLAP score (higher)")
    return Table("MusicGen on MusicCaps, from its model card", columns, list(MUSICGEN))


def figures(path: Path | None) -> dict[str, str]:
    """The paper's figures by the row they belong to, such as "guidance 3". Raises EngineError for a file that is not that."""
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"cannot read the paper's figures from {path}: {error}") from None
    if not isinstance(content, dict):
        raise EngineError(f'{path} must be a JSON object of the report\'s rows and the paper\'s figures: {{"guidance 3": "…"}}')
    return {str(row): str(value) for row, value in content.items()}


def of(row: str, known: dict[str, str]) -> str:
    """The paper's figure for a row of the report."""
    return known.get(row, UNKNOWN)
