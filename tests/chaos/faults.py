"""Each kind of fault: begun, left alone for its time, and mended."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.chaos.bad_line import BadLine, Weather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.chaos.balancer import Balancer
    from tests.chaos.schedule import Step
    from tests.chaos.site import Site
    from tests.live.venue import Venue
    from tests.servers.postgres import PostgresServer
    from tests.servers.valkey import Valkey

WEATHERS = {
    "relay drops": Weather(dropped=0.6),
    "relay late": Weather(late=1.0),
    "relay shuffles": Weather(shuffled=1.0),
    "relay repeats": Weather(repeated=0.8),
}


class Faults:
    """Everything that can go wrong in one house. When `happen` returns all is as it was."""

    def __init__(self, site: Site, balancer: Balancer, line: BadLine, valkey: Valkey, postgres: PostgresServer) -> None:
        self._site = site
        self._balancer = balancer
        self._line = line
        self._valkey = valkey
        self._postgres = postgres

    async def happen(self, step: Step) -> None:  # noqa: C901, PLR0912 - one case after the other
        """This one."""
        instance = self._site.instances[step.which]
        match step.kind:
            case "instance killed":
                await instance.stop(signal.SIGKILL)
                await asyncio.sleep(step.lasts / 2)
                await self._site.start_one(instance)
            case "instance stopped":
                await instance.stop(signal.SIGTERM)
                await self._site.start_one(instance)
            case "instance frozen":
                await self._during(step, _frozen(instance))
            case "relay killed":
                self._valkey.stop()
                await asyncio.sleep(step.lasts)
                await _whole(self._valkey.start)
            case "relay frozen":
                await self._during(step, self._valkey.frozen())
            case "relay cut off":
                self._line.cut_all()
            case "relay unreachable":
                async with self._line.unreachable():
                    await asyncio.sleep(step.lasts)
            case "relay stalled":
                await self._during(step, self._line.stalled())
            case "relay half open":
                await self._during(step, self._line.half_open(step.which))
            case "database crashed":
                await _whole(self._postgres.stop, signal.SIGQUIT)
                await _whole(self._postgres.start)
            case "database frozen":
                await self._during(step, self._postgres.frozen())
            case "connections cut":
                self._balancer.cut_all()
            case "connections stalled":
                await self._during(step, self._balancer.stalled())
            case "rolling deploy":
                await self._deploy()
            case "rolling deploy, relay drops":
                with self._line.weather(WEATHERS["relay drops"]):
                    await self._deploy()
            case kind:
                await self._during(step, self._line.weather(WEATHERS[kind]))

    def silence(self) -> AbstractContextManager[None]:
        """No message arrives while the block lasts."""
        return self._line.weather(Weather(dropped=1.0))

    async def _deploy(self) -> None:
        for instance in self._site.instances:
            await instance.stop(signal.SIGTERM)
            await self._site.start_one(instance)

    async def _during(self, step: Step, fault: AbstractContextManager[None]) -> None:
        with fault:
            await asyncio.sleep(step.lasts)


async def _whole(do: Callable[..., None], *arguments: object) -> None:
    """In a thread, and to its end even if the run is given up: whoever cleans up must find the server as it is."""
    doing = asyncio.ensure_future(asyncio.to_thread(do, *arguments))
    try:
        await asyncio.shield(doing)
    finally:
        await asyncio.wait([doing])


@contextmanager
def _frozen(instance: Venue) -> Iterator[None]:
    os.kill(instance.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(instance.pid, signal.SIGCONT)
