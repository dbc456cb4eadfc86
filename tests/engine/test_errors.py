"""What the engine raises on purpose is known by its code."""

from engine import errors


def test_each_error_has_a_code_of_its_own_and_one_root():
    kinds = [errors.EngineError, errors.RequestError, errors.ClipError, errors.ModelError, errors.OutOfMemory]
    assert all(issubclass(kind, errors.EngineError) for kind in kinds)
    assert [kind.code for kind in kinds] == ["engine", "bad_request", "bad_clip", "bad_model", "no_memory"]  # clients know them


def test_none_hides_another():
    """Who handles one kind must not catch another with it."""
    for kind in (errors.RequestError, errors.ClipError, errors.ModelError, errors.OutOfMemory):
        assert kind.__bases__ == (errors.EngineError,)
