"""The built files follow from the sources: committed as they are built, alike each time."""

from __future__ import annotations

from max_for_live.build import FOLDER, SCRIPT, build, script


def test_what_is_committed_is_what_the_sources_build():
    for name, data in build().items():
        assert (FOLDER / name).read_bytes() == data, f"{name} is out of date: run python -m max_for_live.build"


def test_equal_sources_make_equal_bytes():
    assert build() == build()


def test_the_script_holds_every_source_file_once_without_other_letters():
    code = script()
    assert code.isascii() and build()[SCRIPT] == code.encode()
    for source in (FOLDER / "script").rglob("*.js"):
        begin = source.read_text("utf-8").splitlines()[0]
        assert code.count(begin.encode("ascii", "backslashreplace").decode()) == 1, source.name
