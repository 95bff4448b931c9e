"""Our server, as the benchmarks start it: a tenant with questions, limits out of the way, people with cookies."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load import request, send_all
from bench.servers import SERVER_CORE, Running, running
from pulsestage.bootstrap import running as service
from pulsestage.domain.policy import Actor, Role
from pulsestage.services import questions, tenants
from pulsestage.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from contextlib import AbstractContextManager

SECRET = "benchmarks need no secrets, only long ones"  # noqa: S105
NO_LIMITS = {
    "PULSESTAGE_ASKS_PER_MINUTE": "0",
    "PULSESTAGE_VOTES_PER_MINUTE": "0",
    "PULSESTAGE_MAX_JOINS_PER_SECOND": "0",
    "PULSESTAGE_MAX_STREAMS": "100000",
    "PULSESTAGE_MAX_STREAMS_PER_TENANT": "100000",
    "PULSESTAGE_MAX_STREAMS_PER_ADDRESS": "100000",
}


@dataclass(frozen=True)
class Ours:
    """The server and what can be voted for."""

    server: Running
    questions: list[str]


@contextmanager
def pulsestage(port: int, asked: int = 20, database_url: str = "", batch_limit: int = 500) -> Iterator[Ours]:
    """One server on a new database, SQLite if no URL is given."""
    with (
        prepared(asked, database_url, PULSESTAGE_VOTE_BATCH_LIMIT=str(batch_limit)) as (ids, environment),
        instance(port, environment) as server,
    ):
        yield Ours(server, ids)


@contextmanager
def prepared(asked: int, database_url: str = "", **settings: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """A database with so many questions: their ids, and the environment of whoever serves it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **NO_LIMITS,
            "PULSESTAGE_DATA_DIR": folder,
            "PULSESTAGE_DATABASE_URL": database_url or f"sqlite:///{folder}/bench.db",
            "PULSESTAGE_SECRET_KEY": SECRET,
            **settings,
        }
        os.environ.update(environment)
        yield asyncio.run(_ask(Settings(), asked)), environment


def instance(
    port: int, environment: Mapping[str, str], cores: Collection[int] = (SERVER_CORE,)
) -> AbstractContextManager[Running]:
    """Start a server with these settings, and end it."""
    command = [sys.executable, "-m", "pulsestage", "serve", "--port", str(port)]
    return running(command, port, environment, cores=cores)


async def _ask(settings: Settings, count: int) -> list[str]:
    async with service(settings) as (context, _):
        tenant = await tenants.resolve(context, "default")
        asker = Actor(tenant.id, context.new_id(), Role.MEMBER)
        asked = [
            await questions.ask(context, asker, tenant, f"Question number {number} of the benchmark?", None)
            for number in range(count)
        ]
    return [changed.question.id for changed in asked]


def make_people(port: int, count: int) -> list[str]:
    """People with a cookie each, as browsers would get them."""
    _, heads = asyncio.run(send_all(port, iter([request("GET", "/session")] * count), 16))
    lines = [line for head in heads for line in head.split(b"\r\n") if line.lower().startswith(b"set-cookie:")]
    return [line[12:].split(b";")[0].decode() for line in lines]


def ballot(cookie: str, question_id: str, *, up: bool = True) -> bytes:
    """The request of a vote, or of one that is taken back."""
    headers = {"X-Tenant-ID": "default", "Cookie": cookie}
    return request("POST" if up else "DELETE", f"/questions/{question_id}/upvote", headers)
