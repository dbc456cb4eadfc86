"""Results leave with all that is theirs, and nothing that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import OutputError
from bridge.results import sidecar
from bridge.results.removal import move_away, remove
from tests.bridge.results.test_sidecar import Audio, entries


def made(folder: Path, *names: str) -> list[Path]:
    files = [folder / name for name in names]
    for file in files:
        file.write_bytes(b"audio of " + file.name.encode())
        sidecar.write(file, Audio(), entries(bpm=120.0))
    return files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_result_moves_with_what_is_beside_it_and_can_be_moved_twice(tmp_path):
    for expected in ("x.wav", "x-2.wav"):
        files = made(tmp_path, "x.wav")
        moved = move_away(files, "j")
        assert moved == tmp_path / "Deleted" / expected and moved.read_bytes() == b"audio of x.wav"
        assert names(tmp_path) == ["Deleted"]
    assert names(tmp_path / "Deleted") == ["x-2.json", "x-2.mid", "x-2.wav", "x.json", "x.mid", "x.wav"]


def test_variations_move_together_under_one_name(tmp_path):
    moved = move_away(made(tmp_path, "x.1.wav", "x.2.wav"), "j")
    assert moved.name == "x.1.wav" and {"x.1.wav", "x.2.wav", "x.2.json"} <= set(names(moved.parent))


@pytest.mark.parametrize("leave", [move_away, remove])
def test_what_belongs_to_somebody_else_stays(tmp_path, leave):
    files = made(tmp_path, "x.wav")
    (tmp_path / "x.mid").write_bytes(b"changed by its user")
    leave(files, "j")
    assert "x.mid" in names(tmp_path) and not files[0].exists() and not (tmp_path / "x.json").exists()
    files = made(tmp_path, "y.wav")
    leave(files, "another job")
    assert "y.json" in names(tmp_path) and not files[0].exists()
    assert not (tmp_path / "Deleted" / "y.json").exists()


def test_what_is_removed_is_gone(tmp_path):
    remove(made(tmp_path, "x.1.wav", "x.2.wav"), "j")
    assert names(tmp_path) == []


def test_a_file_that_is_gone_already_is_an_error_and_its_name_stays_free(tmp_path):
    files = made(tmp_path, "x.1.wav", "x.2.wav")
    files[1].unlink()
    with pytest.raises(OutputError):
        move_away(files, "j")
    assert names(tmp_path / "Deleted") == ["x.1.json", "x.1.mid", "x.1.wav"]
    with pytest.raises(FileNotFoundError):
        remove([tmp_path / "gone.wav"], "j")
