"""The live screen, of real daemons and on a real terminal."""

from __future__ import annotations

import os
import signal

from bridge.cli import monitor_view
from bridge.osc.client import Client
from bridge.osc.replies import Done
from tests.bridge.conftest import wait_for


def test_a_snapshot_is_reported_within_any_width():
    job = {"job": "j" * 90, "done_s": 3.0, "total_s": 8.0, "rtf": 0.2, "peaks_db": [-120.0] * 60 + [0.0] * 60}
    queue = [{"position": number, "prompt": f"tune {number}"} for number in range(20)]
    reported = {"state": "busy", "queued": 19, "paused": 1, "job": job, "queue": queue, "peak_db": -3.0, "rms_db": -9.0}
    for width in (20, 40, 120):
        shown = monitor_view.lines(reported, ["12:00:00 asked " + "x" * 90] * 50, width, height=30)
        assert len(shown) == 30 and all(len(line) <= width for line in shown)
    assert " " * 60 + "█" * 60 in shown and "19 waiting, paused" in shown[0]
    assert "      7 tune 7" in shown and "        and 12 more" in shown
    assert not any("█" in line for line in monitor_view.lines(reported, [], 120, blocks=False))


def test_what_is_wrong_is_reported_in_full_and_texts_of_others_on_one_line():
    gone = monitor_view.lines({"state": "gone"}, [], 20)
    assert " ".join(gone) == "no daemon runs: start one with 'inspire serve' waiting for one"
    queue = [{"position": 0, "prompt": "a\n\x1b[2Jb"}]
    down = {"state": "down", "problem": "the model is damaged: get it again", "queue": queue}
    *_, third, fourth, fifth = monitor_view.lines(down, ["東京テクノ " * 9], 20)  # each letter two columns wide
    assert (third, fourth, fifth) == ("        it again", "      0 a  [2Jb", "東京テクノ 東京テク")


def test_a_file_that_is_not_there_has_no_waveform(tmp_path):
    assert monitor_view.peaks_db(None) == monitor_view.peaks_db(str(tmp_path / "gone.wav")) == []


def test_the_log_reports_what_happened(start_daemon):
    daemon = start_daemon()
    watch = monitor_view.Watch(daemon.client)

    def logs(*words: str) -> bool:
        watch.look()
        watch.listen(0.05)
        return any(all(word in line for word in words) for line in watch.log)

    wait_for(lambda: logs("daemon", f"process {daemon.process.pid}"))
    with daemon.client() as asking:
        assert asking.hello("Live").id
        events = asking.generate("slow tune", id="first", duration_s=60)
        next(events)
        wait_for(lambda: logs("asked", "slow tune, by Live"))
        asking.cancel("first")
        wait_for(lambda: logs("cancelled", "slow tune"))
        assert isinstance(list(asking.generate("a short one", duration_s=0.5))[-1], Done)
        wait_for(lambda: logs("done", "a-short-one.wav, 0.5 s"))
        list(asking.generate("refuse this", duration_s=0.5))
        wait_for(lambda: logs("failed", "asked to reject"))
        asking.pause()
        wait_for(lambda: logs("queue", "paused"))
        asking.resume()
        wait_for(lambda: logs("queue", "resumed"))
        os.kill(daemon.engine_pid(), signal.SIGKILL)
        wait_for(lambda: logs("engine", "started again"))
        asking.quit()
        wait_for(lambda: logs("daemon", "gone"))
    watch.close()


def test_a_rejected_watcher_goes_on(start_daemon):
    """Its token is wrong: that is reported, and does not end the watching."""
    daemon = start_daemon(token="correct horse battery staple")
    watch = monitor_view.Watch(lambda: Client(daemon.port, token="wrong horse battery staple"))
    for _ in range(2):
        reported = watch.look()
        assert reported["state"] == "unknown" and "token" in reported["problem"]
    assert ["problem" in line for line in watch.log] == [True]
    watch.close()
