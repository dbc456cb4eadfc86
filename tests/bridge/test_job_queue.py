"""Whose turn it is, without a daemon."""

from __future__ import annotations

import random

import pytest

from bridge.job_queue import JobQueue


def queue_of(*places: tuple[str, int, str]) -> JobQueue[str]:
    queue = JobQueue(2)
    for place in places:
        queue.add(*place)
    return queue


def test_a_clients_own_jobs_keep_their_order():
    assert list(queue_of(("a1", 1, "a"), ("a2", 1, "a"), ("a3", 1, "a"))) == ["a1", "a2", "a3"]


def test_higher_priority_goes_first():
    assert list(queue_of(("sketch", 1, "a"), ("live a", 0, "a"), ("live b", 0, "b"))) == ["live a", "live b", "sketch"]


def test_clients_take_turns():
    queue = queue_of(*((f"a{n}", 1, "a") for n in range(3)), ("b0", 1, "b"), ("c0", 1, "c"), ("c1", 1, "c"))
    assert list(queue) == ["a0", "b0", "c0", "a1", "c1", "a2"]
    assert queue.take() == "a0"  # whose next one now stands behind the others
    queue.add("b1", 1, "b")
    assert list(queue) == ["b0", "c0", "a1", "b1", "c1", "a2"]


def test_a_client_that_comes_back_has_lost_its_turn_but_no_more():
    queue = queue_of(*((f"a{n}", 1, "a") for n in range(50)), ("b0", 1, "b"))
    for n in range(2, 50):
        queue.remove(f"a{n}")
    queue.remove("b0")
    queue.add("b1", 1, "b")
    assert list(queue) == ["a0", "b1", "a1"]  # neither pays for what was cancelled


def test_order_position_and_taking_agree_whatever_happens():
    chance, queue, count = random.Random(7), JobQueue(3), 0
    for _ in range(2000):
        if chance.random() < 0.6 or not len(queue):
            queue.add(count, chance.randrange(3), chance.randrange(5))
            count += 1
        elif chance.random() < 0.5:
            queue.remove(chance.choice(list(queue)))
        else:
            expected = list(queue)
            assert queue.take() == expected[0]
        order = list(queue)
        assert len(order) == len(queue) == len(set(order))
        if order:
            one = chance.randrange(len(order))
            assert queue.ahead_of(order[one]) == one
    while (order := list(queue)) and queue.take() == order[0]:
        pass
    assert not len(queue)
    with pytest.raises(IndexError):
        queue.take()
