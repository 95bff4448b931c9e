"""The application in this process, rooms in it, and people in the rooms."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from pulsestage.bootstrap import application
from pulsestage.domain.policy import Role
from pulsestage.domain.tenant import Tenant
from pulsestage.realtime import Event
from pulsestage.services import sessions, tenants
from pulsestage.services.context import Context
from pulsestage.settings import Settings

_numbers = itertools.count(1)


def make_settings(data_dir: Path, **changed: Any) -> Settings:
    """Settings that no environment reaches, without limits on how fast people are."""
    unlimited = {"asks_per_minute": 0, "votes_per_minute": 0, "flush_milliseconds": 0}
    return Settings(_env_file=None, **{"data_dir": data_dir, "port": 0, **unlimited, **changed})


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application between its start and its end."""
    app = application(settings)
    async with app.router.lifespan_context(app):
        yield app


class Room:
    """A tenant of a running application, and the people in it."""

    def __init__(self, app: FastAPI, tenant: Tenant) -> None:
        self.app = app
        self.tenant = tenant
        self.context: Context = app.state.context

    def guest(self, **headers: str) -> AsyncClient:
        """Somebody without an account, with a cookie jar of their own."""
        # What the application raises is answered at its edge; the test sees what a client sees.
        transport = ASGITransport(self.app, raise_app_exceptions=False)
        headers = {"X-Tenant-ID": self.tenant.slug, **{name.replace("_", "-"): each for name, each in headers.items()}}
        return AsyncClient(transport=transport, base_url="http://pulsestage.test", headers=headers)

    async def member(self, role: Role) -> AsyncClient:
        """Somebody who has signed in with a link."""
        person = self.guest()
        answer = await person.post("/session", json={"token": sessions.make_link(self.context, self.tenant, role)})
        assert answer.status_code == 201, answer.text
        return person

    async def ask(self, body: str = "When does the new office open?", **more: Any) -> str:
        """A question of somebody new; its id."""
        answer = await self.guest().post("/questions", json={"body": body, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def log(self) -> list[Event]:
        """Everything that was logged for this room."""
        store = self.app.state.hub._engine.store
        return list(await store.read(self.tenant.id, 0, 10_000))

    async def types(self) -> list[str]:
        """The types of all that was logged."""
        return [event.type for event in await self.log()]


async def new_room(app: FastAPI) -> Room:
    """A room that nobody else is in."""
    slug = f"room-{next(_numbers)}"
    return Room(app, await tenants.found(app.state.context, slug, "A room"))


def assert_problem(answer: Response, status: int, code: str, error: str | None = None) -> dict[str, Any]:
    """The answer is this problem, in the form that every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem.keys() - {"fields"} == {"type", "title", "status", "detail", "code", "error"}
    assert problem["status"] == status
    assert problem["code"] == code
    assert all(problem[name] for name in ("type", "title", "detail", "error"))
    if error is not None:
        assert problem["error"] == error
    return problem


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    """The application on SQLite, shared by a module's tests: each has a room of its own."""
    async with serving(make_settings(tmp_path_factory.mktemp("data"))) as app:
        yield app


@pytest.fixture
async def room(app: FastAPI) -> Room:
    return await new_room(app)


@pytest.fixture
def guest(room: Room) -> AsyncClient:
    return room.guest()


@pytest.fixture
async def moderator(room: Room) -> AsyncClient:
    return await room.member(Role.MODERATOR)


@pytest.fixture
async def admin(room: Room) -> AsyncClient:
    return await room.member(Role.ADMIN)
