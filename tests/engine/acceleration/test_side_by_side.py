"""Independent pieces of work at once: each with one of torch's threads, in order, and nothing of it left behind."""

import threading
import time
from threading import Barrier

import pytest
import torch

from engine.acceleration import use_threads
from engine.acceleration.side_by_side import both, in_turn, side_by_side


def test_calls_run_at_once_each_on_one_thread_and_return_in_order():
    meeting = Barrier(2)  # broken where one waits for the other to end

    def call(number):
        meeting.wait(timeout=20)
        return number, torch.get_num_threads()

    with use_threads(2):
        found = side_by_side([lambda number=number: call(number) for number in range(4)])
        assert found == [(number, 1) for number in range(4)]
        assert torch.get_num_threads() == 2


def test_on_one_thread_they_run_one_after_the_other():
    running = []

    def call():
        assert not running
        running.append(None)
        running.pop()
        return torch.get_num_threads()

    with use_threads(1):
        assert side_by_side([call] * 3) == [1] * 3


def test_a_call_that_fails_fails_and_leaves_the_threads_as_they_were():
    ended = []

    def fail():
        raise ValueError("no")

    with use_threads(2):
        with pytest.raises(ValueError, match="no"):
            side_by_side([fail, lambda: ended.append(None)])
        assert torch.get_num_threads() == 2 and len(ended) == 1


def test_each_result_comes_as_soon_as_those_before_it_are_there():
    held = threading.Event()
    with use_threads(2):
        results = in_turn([lambda: 1, lambda: held.wait(20) and 2, lambda: 3])
        assert next(results) == 1 and not held.is_set()
        held.set()
        assert [*results] == [2, 3] and torch.get_num_threads() == 2
    with use_threads(1):
        assert next(in_turn([lambda: 1, lambda: pytest.fail("nobody asked for it")])) == 1


@pytest.mark.parametrize("how", ["one fails", "no more are asked for"])
def test_what_has_begun_is_waited_for_and_nothing_else_begins(how):
    meeting, ended = Barrier(2), []

    def first():
        meeting.wait(timeout=20)
        if how == "one fails":
            raise ValueError("no")

    def second():
        meeting.wait(timeout=20)
        time.sleep(0.05)
        ended.append("second")

    def third():
        time.sleep(0.05)
        ended.append("third")

    with use_threads(2):
        results = in_turn([first, second, third, *[lambda: ended.append("more")] * 20])
        if how == "one fails":
            with pytest.raises(ValueError, match="no"):
                next(results)
        else:
            next(results)
            results.close()
        assert "second" in ended and "more" not in ended and torch.get_num_threads() == 2
        now = len(ended)
        time.sleep(0.1)
        assert len(ended) == now


def test_as_many_threads_as_are_asked_for_whatever_torch_has():
    meeting = Barrier(2)
    with use_threads(1):
        assert side_by_side([lambda: meeting.wait(timeout=20) is not None] * 2, threads=2) == [True, True]
        assert torch.get_num_threads() == 1


def test_two_calls_of_different_kinds_run_at_once_and_keep_their_places():
    meeting = Barrier(2)

    def call(result):
        meeting.wait(timeout=20)
        return result

    with use_threads(2):
        assert both(lambda: call(3), lambda: call("b")) == (3, "b")
    with use_threads(1):
        assert both(lambda: "a", lambda: [4]) == ("a", [4])


def test_no_thread_begins_after_the_first_use(monkeypatch):
    """One that begins when memory is short can end the whole process, or never answer."""
    begun, start = [], threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", lambda self: (begun.append(self.name), start(self)))
    with use_threads(3):
        side_by_side([lambda: None] * 2)
        begun.clear()
        side_by_side([lambda: time.sleep(0.01)] * 9)
    assert not begun


def test_where_a_thread_cannot_begin_those_that_wait_for_it_end(monkeypatch):
    begun, begin = [], threading.Thread.start

    def start(thread):
        if begun:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start"):
        side_by_side([lambda: None] * 7, 7)
    begun[0].join(timeout=20)
    assert not begun[0].is_alive()
