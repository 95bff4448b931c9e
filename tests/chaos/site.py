"""Several instances of one service behind a balancer, as the stress run's venue: what it needs to know of a house."""

from __future__ import annotations

import asyncio
import random
import secrets
import signal
import socket
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from tests.live.venue import Venue

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from pulsestage.domain.policy import Role
    from pulsestage.domain.tenant import Tenant
    from pulsestage.storage.database import Database

START_ATTEMPTS = 20
QUIET_PORTS = range(20_000, 32_000)
"""Below those that connections get by themselves, or one of them could take the place of an instance that is down."""


class Site:
    """The instances. `port` is the balancer's."""

    def __init__(self, directory: Path, count: int, program: str, **settings: Any) -> None:
        self.port, *ports = quiet_ports(1 + count)
        given = {"secret_key": secrets.token_hex(32), **settings}
        self.instances = []
        for number, port in enumerate(ports):
            room = directory / f"instance-{number}"
            room.mkdir()
            self.instances.append(Venue(room, port=port, **given))
            self.instances[-1].program = program

    @property
    def rooms(self) -> dict[str, Tenant]:
        return self.instances[0].rooms

    async def found(self, **rooms: str) -> None:
        """Make rooms with these slugs and names."""
        await self.instances[0].found(**rooms)

    async def start(self) -> None:
        """Run all instances, and wait until they serve."""
        await asyncio.gather(*(self.start_one(each) for each in self.instances))

    async def start_one(self, instance: Venue) -> None:
        """Run this one. Whoever runs a service tries again if it can't start, while the relay is out, say."""
        for attempt in range(START_ATTEMPTS):
            try:
                await instance.start()
            except AssertionError:
                await instance.stop(signal.SIGKILL)
                if attempt == START_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End all. The worst of their exit codes."""
        return max(await asyncio.gather(*(each.stop(how) for each in self.instances)))

    def cookie(self, slug: str, person_id: str) -> dict[str, str]:
        """The cookie of a guest."""
        return self.instances[0].cookie(slug, person_id)

    def link(self, slug: str, role: Role) -> str:
        """A link by which somebody signs in."""
        return self.instances[0].link(slug, role)

    def opened(self) -> AbstractAsyncContextManager[Database]:
        """The database itself."""
        return self.instances[0].opened()


def quiet_ports(count: int) -> list[int]:
    """Ports on which nobody listens now."""
    found: list[int] = []
    with ExitStack() as probes:  # all at once, or one might be found twice
        while len(found) < count:
            probe = probes.enter_context(socket.socket())
            port = random.choice(QUIET_PORTS)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
    return found
