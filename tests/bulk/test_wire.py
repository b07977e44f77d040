"""Messages over a socket: whole, in order, whatever their size; and the end of the other side."""

from __future__ import annotations

import socket
from types import MappingProxyType

import anyio
import msgspec
import pytest

from engine.bulk.wire import Closed, Wire

pytestmark = pytest.mark.anyio


class Word(msgspec.Struct, frozen=True):
    text: str
    facts: dict[str, str] = {}


def pair() -> tuple[Wire[Word], Wire[Word]]:
    one, other = socket.socketpair()
    return Wire(one, Word), Wire(other, Word)


async def test_many_at_once_come_whole_and_in_order() -> None:
    one, other = pair()
    texts = ["", "a", "b" * 300_000, "ü" * 5_000_000, "end"]

    async def send() -> None:
        for text in texts:
            await one.send(Word(text))
        one.close()

    async with anyio.create_task_group() as group:
        group.start_soon(send)
        assert [(await other.receive()).text for _ in texts] == texts
        with pytest.raises(Closed):
            await other.receive()
    other.close()


async def test_senders_do_not_mix_their_words() -> None:
    one, other = pair()
    async with anyio.create_task_group() as group:
        for letter in "abcdefgh":
            group.start_soon(one.send, Word(letter * 500_000))
        found = [(await other.receive()).text for _ in range(8)]
    assert {(text[0], text.count(text[0])) for text in found} == {(letter, 500_000) for letter in "abcdefgh"}
    one.close()
    other.close()


async def test_a_read_only_mapping_is_sent_as_what_it_holds() -> None:
    one, other = pair()
    await one.send({"text": "x", "facts": MappingProxyType({"a": "b"})})
    assert (await other.receive()).facts == {"a": "b"}
    with pytest.raises(NotImplementedError):
        await one.send({"text": object()})
    one.close()
    other.close()


async def test_nobody_there() -> None:
    one, other = pair()
    other.close()
    with pytest.raises(Closed):
        await one.send(Word("x" * 1_000_000))
    with pytest.raises(Closed):
        await one.receive()
    one.close()
