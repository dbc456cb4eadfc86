"""A clip's name as people, terminals and file managers give it, and what is no clip."""

from __future__ import annotations

import os
import shlex

import pytest

from engine import clip_file
from engine.clip_file import clip_path, clip_text, resolve_clip
from engine.errors import ClipError


@pytest.fixture
def clip(tmp_path):
    file = tmp_path / "My loop (2).wav"
    file.write_bytes(b"audio")
    return file


def test_every_way_of_writing_a_path_finds_the_file(clip):
    for text in (str(clip), f"'{clip}'", f'"{clip}"', f" {clip} ", clip.as_uri(), clip.as_uri().replace("file://", "file://localhost"),
                 str(clip).replace(" ", "\\ ").replace("(", "\\(").replace(")", "\\)"), shlex.quote(str(clip))):  # fmt: skip
        assert resolve_clip(text) == clip, text


def test_a_file_that_is_really_called_so_is_itself(tmp_path):
    odd = tmp_path / "'quoted'"
    odd.write_bytes(b"x")
    assert clip_path(str(odd)) == odd


def test_a_name_in_no_encoding_survives_as_text(tmp_path):
    odd = tmp_path / os.fsdecode(b"loop\xff.wav")
    odd.write_bytes(b"x")
    assert clip_text(odd).startswith("file:///") and resolve_clip(clip_text(odd)) == odd


def test_what_is_no_clip_says_so(clip, tmp_path, monkeypatch):
    with pytest.raises(ClipError, match="no such clip"):
        resolve_clip(str(tmp_path / "gone.wav"))
    with pytest.raises(ClipError, match="not a file"):
        resolve_clip(str(tmp_path))
    with pytest.raises(ClipError, match="no such clip"):
        resolve_clip("/" + "x" * 5_000)
    monkeypatch.setattr(clip_file, "MAX_CLIP_BYTES", 4)
    with pytest.raises(ClipError, match="at most"):
        resolve_clip(str(clip))


def test_with_roots_only_what_lies_inside_is_read_links_followed(clip, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link.wav").symlink_to(clip)
    assert resolve_clip(str(clip), (tmp_path,)) == clip.resolve()
    for text in (str(clip), str(inside / "link.wav"), str(inside / ".." / clip.name)):
        with pytest.raises(ClipError, match="clips are read only from"):
            resolve_clip(text, (inside,))
