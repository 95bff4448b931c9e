"""What the demo is about: its rooms, read from `demo_rooms.toml`, where the texts are."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct


class DemoTeam(Struct, frozen=True):
    """A team."""

    slug: str
    name: str
    description: str


class DemoTag(Struct, frozen=True):
    """A tag."""

    name: str
    color: str
    description: str


class DemoQuestion(Struct, frozen=True):
    """A question, and all that happens to it. `team` and `tags` are a slug and names."""

    body: str
    votes: int
    team: str | None = None
    tags: tuple[str, ...] = ()
    answer: str | None = None
    pinned: bool = False
    frozen: bool = False


class DemoRoom(Struct, frozen=True):
    """A tenant. `people` are there to ask and vote; `later` is what the audience asks while the demo runs."""

    slug: str
    name: str
    people: int
    teams: tuple[DemoTeam, ...]
    tags: tuple[DemoTag, ...]
    questions: tuple[DemoQuestion, ...]
    later: tuple[str, ...]


class _File(Struct, frozen=True):
    rooms: tuple[DemoRoom, ...]


@cache
def demo_rooms() -> tuple[DemoRoom, ...]:
    """The rooms, the home tenant's first."""
    return msgspec.toml.decode((files(__package__) / "demo_rooms.toml").read_bytes(), type=_File).rooms
