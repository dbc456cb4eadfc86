"""Measures a model against the bars it has to meet. `python -m engine.evaluation sketch --corpus FOLDER --report FOLDER`."""
