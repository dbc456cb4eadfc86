"""A report of a generation, as the engine makes one: two variations, of which the second has no measured key."""

from engine.api import GenerationReport, ModelReport, VariationReport

MODEL = ModelReport("sketch", "0123456789abcdef", 17_000_000, "CPU", 48_000, 24_000)
REPORT = GenerationReport(
    MODEL,
    seed=7,
    guidance=3.0,
    top_k=50,
    temperature=1.0,
    caption="dub, 120 bpm",
    decode="full",
    new_s=2.0,
    elapsed_s=1.5,
    first_chunk_s=0.5,
    rtf=0.7,
    beats_per_bar=4,
    beat_unit=4,
    variations=(
        VariationReport(7, 96_000, level_db=-14.0, peak=0.9, bpm=120.0, key="A minor"),
        VariationReport(8, 96_000, level_db=-15.0, peak=0.8, bpm=119.9),
    ),
    grid_bpm=120.0,
    notes=("the key Am is played as A minor",),
)
