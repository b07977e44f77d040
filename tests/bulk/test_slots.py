"""Slots: how many at once, who first, and what if nobody is left to work."""

from __future__ import annotations

import socket

import anyio
import anyio.lowlevel
import pytest

from engine.bulk.crew import Member, Seat
from engine.bulk.messages import BulkError
from engine.bulk.slots import Slots

pytestmark = pytest.mark.anyio


def members(count: int) -> list[Member]:
    found = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        theirs.close()
        found.append(Member(Seat(ours, 0)))
    return found


async def test_no_more_than_there_are_and_evenly_spread() -> None:
    crew = members(2)
    slots = Slots(crew, 2)
    held: list[Member] = []
    most = 0

    async def work() -> None:
        nonlocal most
        async with slots.one(lambda: 0.0) as member:
            held.append(member)
            most = max(most, len(held))
            await anyio.lowlevel.checkpoint()
            assert max(held.count(one) for one in crew) <= 2
            held.remove(member)

    async with anyio.create_task_group() as group:
        for _ in range(9):
            group.start_soon(work)
    assert most == 4
    for member in crew:
        member.wire.close()


async def test_the_most_ready_goes_first() -> None:
    (member,) = crew = members(1)
    slots = Slots(crew, 1)
    order: list[int] = []
    ready = {1: 5.0, 2: 3.0, 3: 4.0}

    async def work(number: int) -> None:
        async with slots.one(lambda: ready[number]):
            order.append(number)
            ready[3] = 0.0

    async with anyio.create_task_group() as group, slots.one(lambda: 9.0):
        for number in ready:
            group.start_soon(work, number)
        await anyio.wait_all_tasks_blocked()
        ready[1] = 1.0
    assert order == [1, 3, 2]
    member.wire.close()


async def test_the_dead_get_no_work() -> None:
    one, other = crew = members(2)
    one.is_gone = True
    slots = Slots(crew, 1)
    async with slots.one(lambda: 0.0) as member:
        assert member is other
    other.is_gone = True
    with pytest.raises(BulkError, match="have died"):
        async with slots.one(lambda: 0.0):
            pass
    for member in crew:
        member.wire.close()


async def test_who_gives_up_waiting_takes_no_slot() -> None:
    (member,) = crew = members(1)
    slots = Slots(crew, 1)
    async with slots.one(lambda: 0.0):
        with anyio.move_on_after(0):
            async with slots.one(lambda: 0.0):
                pass
    async with slots.one(lambda: 0.0) as again:
        assert again is member
    member.wire.close()
