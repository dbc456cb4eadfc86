"""For all tests: which need the machine to themselves, and what must not be skipped in CI."""

from __future__ import annotations

import pytest

from tests.missing import fail_skips_of_what_ci_installs

pytest_plugins = ["pytester"]
SOUND_SERVERS = {"jack_server", "jack_name", "pulseaudio"}  # fixtures: they play in real time


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items):
    for item in items:
        if SOUND_SERVERS & set(item.fixturenames):
            item.add_marker("realtime")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    fail_skips_of_what_ci_installs(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    report = yield
    fail_skips_of_what_ci_installs(report)
    return report
