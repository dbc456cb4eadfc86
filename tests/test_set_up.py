"""What `make` and CI install: exact versions, system programs by their state, and no skip in CI of what is there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from tests.missing import ROOT, installed_by_ci, should_be_there

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
PACKAGES = (ROOT / ".ci" / "debian-packages").read_text().split()


# ---- the lock


@pytest.mark.parametrize("version", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
def test_all_that_is_asked_for_has_one_exact_version_within_what_is_allowed(version):
    python = {**default_environment(), "python_version": version[:4], "python_full_version": version}
    pins = {}
    for pin in map(Requirement, LOCK):
        if pin.marker is None or pin.marker.evaluate(python):
            (exact,) = pin.specifier
            assert exact.operator == "==" and pins.setdefault(pin.name, exact.version) == exact.version, pin
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"], *PROJECT["optional-dependencies"]["midi"]]
    for one in map(Requirement, asked):
        if one.marker is None or one.marker.evaluate(python):
            assert one.specifier.contains(pins[one.name.lower()]), one


def test_the_lock_holds_no_addresses():
    assert LOCK and not any("://" in line or " @ " in line for line in LOCK)


def test_the_lock_is_what_these_tests_run_with():
    """But for torch's build and where `make test-latest` asks for the newest."""
    if "latest" in sys.prefix:
        pytest.skip("the newest of everything is here on purpose")
    here = {name.lower(): importlib.metadata.version(name) for name in ("numpy", "torch", "transformers", "pytest")}
    locked = {pin.name: next(iter(pin.specifier)).version for pin in map(Requirement, LOCK)}
    assert {name: version.partition("+")[0] for name, version in here.items()} == {name: locked[name] for name in here}


# ---- skips


def test_a_skip_of_what_ci_installs_fails_there_and_no_other_does(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport")
    pytester.makepyfile(
        test_program="""
        import pytest
        from tests import missing

        def test_a_program_that_ci_brings():
            missing.shutil.which = lambda name: None
            missing.needs("jackd", "jackd2")

        @pytest.mark.skipif(True, reason="needs mma: install the Debian package mma")
        def test_marked(): ...

        def test_a_module_whose_library_is_missing(tmp_path, monkeypatch):
            (tmp_path / "jack.py").write_text("raise OSError('JACK library not found')")
            monkeypatch.syspath_prepend(tmp_path)
            missing.jack_library()

        def test_what_no_package_brings():
            pytest.skip("needs an ALSA sequencer: load the kernel module snd-seq")

        @pytest.mark.xfail(reason="mma is not perfect", strict=True)
        def test_expected(): assert False
        """,
        test_file="import pytest\nzeroconf = pytest.importorskip('zeroconf_', reason='needs zeroconf')\ndef test(): ...",
    )
    for ci, outcomes in (("", {"skipped": 5, "xfailed": 1}), ("true", {"errors": 2, "failed": 2, "skipped": 1, "xfailed": 1})):
        monkeypatch.setenv("CI", ci)
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--continue-on-collection-errors")
        result.assert_outcomes(**outcomes)
    reported = result.stdout.str()
    assert all(f"skipped in CI, which installs {name}" in reported for name in ("jackd2", "mma", "JACK-Client", "zeroconf"))


def test_every_package_that_a_skip_names_is_brought_by_ci():
    """So that none of them can be skipped there unseen."""
    sources = [path.read_text() for path in ROOT.joinpath("tests").rglob("*.py") if path.name != Path(__file__).name]
    named = {name for text in sources for name in re.findall(r"install the Debian packages? ([\w.+-]*\w)", text)}
    assert {"jackd2", "mma", "ffmpeg", "fluidsynth"} <= named | set(PACKAGES)
    assert named - {"libjack-jackd2-0"} <= installed_by_ci()
    assert should_be_there("needs jackd: install the Debian package jackd2") == "jackd2" and not should_be_there("needs Linux")


# ---- warnings, and time


def test_a_warning_of_a_librarys_is_shown_and_one_of_ours_is_an_error(pytester):
    filters = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["filterwarnings"]
    pytester.makeini("[pytest]\nfilterwarnings =\n" + "".join(f"    {one}\n" for one in filters))
    pytester.makepyfile(
        """
        import sys, threading, warnings
        import pytest

        THEIRS, OURS = ["transformers.models.qwen2", "torch", "testsuite"], ["engine.models", "bridge", "tests.jack"]

        @pytest.mark.parametrize("module", THEIRS + OURS)
        def test(module):
            exec("import warnings; warnings.warn('new', FutureWarning)", {"__name__": module})

        def test_a_file_that_nobody_closed():
            open(__file__)

        def test_a_thread_that_failed():
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    result.assert_outcomes(passed=3, failed=5, warnings=3)
    failed = " ".join(line for line in result.outlines if line.startswith("FAILED"))
    assert all(module in failed for module in ("engine.models", "[bridge]", "tests.jack", "nobody_closed", "thread"))


def test_what_plays_on_a_sound_server_runs_alone(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.conftest import pytest_collection_modifyitems")
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def jack_server(): ...

        @pytest.fixture
        def listener(jack_server): ...

        def test_heard(listener): ...
        def test_silent(): ...
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-m", "realtime", "-v")
    result.assert_outcomes(passed=1, deselected=1)


# ---- system programs


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A machine of shell scripts on the PATH: (write one, run `.ci/system_programs.py`, what was called)."""
    calls = tmp_path / "calls"
    calls.touch()
    monkeypatch.setenv("PATH", str(tmp_path))

    def write(name: str, script: str) -> None:
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>{calls}\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def run(*arguments: str, root: bool = True) -> subprocess.CompletedProcess[str]:
        code = f"import os, runpy, sys; os.geteuid = lambda: {0 if root else 1000}; sys.argv[0] = 'system_programs.py'; "
        code += f"runpy.run_path({str(ROOT / '.ci' / 'system_programs.py')!r}, run_name='__main__')"
        return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)

    return write, run, lambda: calls.read_text().splitlines()


def debian(write, states: dict[str, str]) -> None:
    """`dpkg-query` as it answers for these packages and for all others, which are installed."""
    lines = "; ".join(f'echo "{package} {states.get(package, "installed")}"' for package in PACKAGES)
    write("dpkg-query", f"{lines}; exit 1")
    write("env", 'shift; exec "$@"')
    write("apt-get", "")


def test_a_removed_package_whose_configuration_is_left_is_installed_again(programs):
    write, run, calls = programs
    debian(write, {"zsh": "config-files", "mma": "not-installed", "jackd2": "half-configured"})
    assert run("--ci").returncode == 0
    assert [one for one in calls() if one.startswith("apt-get -qq install")] == [
        "apt-get -qq install --yes --no-install-recommends jackd2 mma zsh"
    ]


def test_where_all_is_there_nothing_is_installed(programs):
    write, run, calls = programs
    debian(write, {})
    assert run("--all").returncode == 0 and not any("apt-get" in one for one in calls())


def test_portaudio_comes_first_and_alone_for_the_demo(programs):
    write, run, calls = programs
    debian(write, {"libportaudio2": "not-installed", "mma": "not-installed"})
    run("--sound")
    assert calls()[-1].endswith("libportaudio2")
    run("--all")
    asked = [one.split()[-1] for one in calls() if "install" in one and one.startswith("apt-get")]
    assert asked[:2] == ["libportaudio2", "libportaudio2"]


def test_a_user_without_rights_is_shown_the_line_to_type(programs):
    write, run, calls = programs
    debian(write, {"libportaudio2": "not-installed", "zsh": "not-installed"})
    write("sudo", "exit 1")  # asks for a password
    done = run("--all", root=False)
    assert done.returncode == 0 and [line.partition("sudo ")[2] for line in done.stdout.splitlines()] == [
        "apt-get install libportaudio2",
        "apt-get install libportaudio2 zsh",
    ]
    assert "sudo -n true" in calls() and not any(one.startswith("apt-get") for one in calls())
    assert run("--ci", root=False).returncode == 1
    write("sudo", '[ "$2" = true ] || { shift; exec "$@"; }')
    assert run("--all", root=False).returncode == 0 and any("apt-get -qq install" in one for one in calls())


def test_what_cannot_be_installed_is_reported_and_only_ci_fails(programs):
    write, run, _ = programs
    debian(write, {"libportaudio2": "not-installed"})
    write("apt-get", "echo no network; exit 100")
    for asked, code in (("--sound", 0), ("--ci", 1)):
        done = run(asked)
        assert done.returncode == code and "no network" in done.stderr and "sudo apt-get install libportaudio2" in done.stdout


def test_homebrew(programs):
    write, run, calls = programs
    write("brew", '[ "$1" != list ] || echo jack')
    assert run("--all").returncode == 0
    installs = [one for one in calls() if "install" in one]
    assert installs[0] == "brew install --quiet portaudio" and "jack" not in installs[1].split() and "liblo" in installs[1]


def test_any_other_system(programs):
    done = programs[1]("--all")
    assert done.returncode == 0 and "libportaudio2" in done.stdout


def test_real_packages_by_their_state():
    if not os.path.exists("/usr/bin/dpkg-query"):
        pytest.skip("needs dpkg-query: not a Debian")
    spec = importlib.util.spec_from_file_location("system_programs", ROOT / ".ci" / "system_programs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.missing_on_debian(["dpkg", "no-such-package-anywhere"]) == ["no-such-package-anywhere"]
