"""`pulsestage serve` as people run it: a process on a database that outlives it, with rooms in it."""

from __future__ import annotations

import asyncio
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulsestage.bootstrap import opened, running
from pulsestage.services import sessions, tenants
from pulsestage.services.tokens import Session, Signer
from pulsestage.settings import Settings
from tests.cli.processes import Process
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from pulsestage.domain.policy import Role
    from pulsestage.domain.tenant import Tenant
    from pulsestage.storage.database import Database


ROOT = Path(__file__).parents[2]


class Venue:
    """One installation. Its server can be started, stopped, killed and started again at the same address."""

    program = "pulsestage"

    def __init__(self, directory: Path, **settings: Any) -> None:
        self._directory = directory
        self._secret = str(settings.get("secret_key") or secrets.token_hex(32))
        unlimited = {"asks_per_minute": 0, "votes_per_minute": 0}
        given = {"port": free_port(), "data_dir": directory, "secret_key": self._secret}
        self._changed: dict[str, Any] = {**unlimited, **given, **settings}
        self.settings = Settings(_env_file=None, **self._changed)
        self.url = self.settings.base_url
        self.rooms: dict[str, Tenant] = {}
        self._process: Process | None = None

    def change(self, **settings: Any) -> None:
        """Have these settings from the next start on."""
        self._changed |= settings
        self.settings = Settings(_env_file=None, **self._changed)

    async def found(self, **rooms: str) -> None:
        """Make rooms with these slugs and names."""
        async with running(self.settings) as (context, _):
            for slug, name in rooms.items():
                self.rooms[slug] = await tenants.found(context, slug, name)
            self._context = context

    async def start(self) -> None:
        """Run the server, and wait until it serves."""
        given = {f"PULSESTAGE_{name.upper()}": str(value) for name, value in self._changed.items()}
        given["PYTHONPATH"] = str(ROOT)  # where programs of the tests are
        self._process = Process(self._directory, "serve", program=self.program, **given)
        await asyncio.to_thread(self._process.printed, "PulseStage serves")

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, this way. Its exit code."""
        return 0 if self._process is None else await asyncio.to_thread(self._process.stop, how)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.settings.port

    @property
    def pid(self) -> int:
        """The process of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What the running server has said."""
        return self._process.err if self._process else ""

    def cookie(self, slug: str, person_id: str) -> dict[str, str]:
        """The cookie of a guest."""
        sealed = Signer(self._secret.encode()).seal_session(Session(self.rooms[slug].id, person_id))
        return {f"pulsestage_{slug}": sealed}

    def link(self, slug: str, role: Role) -> str:
        """A link by which somebody signs in."""
        return f"{self.url}/app/{slug}#signin={sessions.make_link(self._context, self.rooms[slug], role)}"

    def opened(self) -> AbstractAsyncContextManager[Database]:
        """The database itself."""
        return opened(self.settings)
