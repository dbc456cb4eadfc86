"""Whose turn it is, without a daemon."""

from __future__ import annotations

import random

import pytest

from bridge.jobs.queue import JobQueue


def queue_of(*places: tuple[str, str], first: tuple[tuple[str, str], ...] = ()) -> JobQueue[str]:
    queue = JobQueue(4)
    for place in places:
        queue.add(*place, first=False)
    for place in first:
        queue.add(*place, first=True)
    return queue


def test_a_clients_own_jobs_keep_their_order():
    assert list(queue_of(("a1", "a"), ("a2", "a"), ("a3", "a"))) == ["a1", "a2", "a3"]


def test_those_that_go_first_go_first():
    assert list(queue_of(("sketch", "a"), first=(("live a", "a"), ("live b", "b")))) == ["live a", "live b", "sketch"]


def test_the_others_do_not_wait_for_ever():
    queue = queue_of(("s0", "a"), ("s1", "b"), first=tuple((f"l{n}", "c") for n in range(9)))
    assert list(queue) == ["l0", "l1", "l2", "l3", "s0", "l4", "l5", "l6", "l7", "s1", "l8"]
    taken = []
    for n in range(20):  # continuations come faster than they are made
        queue.add(f"new {n}", "c", first=True)
        taken.append(queue.take())
    assert taken.index("s0") == 4 and taken.index("s1") == 9


def test_clients_take_turns():
    queue = queue_of(*((f"a{n}", "a") for n in range(3)), ("b0", "b"), ("c0", "c"), ("c1", "c"))
    assert list(queue) == ["a0", "b0", "c0", "a1", "c1", "a2"]
    assert queue.take() == "a0"  # whose next one now stands behind the others
    queue.add("b1", "b", first=False)
    assert list(queue) == ["b0", "c0", "a1", "b1", "c1", "a2"]


def test_a_client_that_comes_back_has_lost_its_turn_but_no_more():
    queue = queue_of(*((f"a{n}", "a") for n in range(50)), ("b0", "b"))
    for n in range(2, 50):
        queue.remove(f"a{n}")
    queue.remove("b0")
    queue.add("b1", "b", first=False)
    assert list(queue) == ["a0", "b1", "a1"]  # neither pays for what was cancelled


def test_order_position_and_taking_agree_whatever_happens():
    chance, queue, count = random.Random(7), JobQueue(3), 0
    for _ in range(2000):
        if chance.random() < 0.6 or not len(queue):
            queue.add(count, chance.randrange(5), first=chance.random() < 0.7)
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
