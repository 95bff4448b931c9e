"""What relays over a broker have in common: health is asked for again and again, not once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

from pulsestage.cluster import wire_relay
from pulsestage.cluster.wire_relay import WireRelay
from pulsestage.contracts.relay import PATIENCE_SECONDS, head


class Broker:
    """Takes every message, and delivers them for as long as it does."""

    def __init__(self) -> None:
        self.delivers = True
        self.taken = 0
        self.then: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def dial(self, on_message: Callable[[bytes], None]) -> AsyncIterator["BrokerWire"]:
        yield BrokerWire(self, on_message)


class BrokerWire:
    unheard = "Nothing comes back."

    def __init__(self, broker: Broker, on_message: Callable[[bytes], None]) -> None:
        self._broker = broker
        self._on_message = on_message

    async def send(self, messages: Sequence[bytes]) -> None:
        self._broker.taken += len(messages)
        for message in messages if self._broker.delivers else ():
            self._on_message(message)
        self._broker.then()
        await asyncio.sleep(0)

    async def listen(self) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    monkeypatch.setattr(wire_relay, "GREETING_SECONDS", 0.01)
    monkeypatch.setattr(wire_relay, "SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(wire_relay, "FIRST_PAUSE_SECONDS", 0.01)
    return Broker()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - a relay has no event for it
            await asyncio.sleep(0.001)


def relay_to(broker: Broker) -> WireRelay:
    return WireRelay(broker.dial, name="the broker", secret=b"secret", limit=1000)


@pytest.mark.parametrize("busy", [False, True])
async def test_a_broker_that_stops_delivering_is_noticed(broker: Broker, *, busy: bool) -> None:
    """Also by a relay that always has something to send, and so never falls silent."""
    relay = relay_to(broker)
    if busy:
        broker.then = lambda: relay.announce(head(1))
    async with relay.listening(print):
        await until(lambda: broker.taken > 20)
        assert relay.healthy
        broker.delivers = False
        await until(lambda: not relay.healthy)
        assert relay.trouble == "Nothing comes back."
        broker.delivers = True
        await until(lambda: relay.healthy)


async def test_a_broker_that_delivers_is_greeted_again_and_again_on_one_connection(broker: Broker) -> None:
    relay = relay_to(broker)
    async with relay.listening(print):
        await until(lambda: broker.taken > 5)
        assert relay.healthy
        assert relay.stats().reconnects == 0
