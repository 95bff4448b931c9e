"""What one client asked for, and what it was told: the facts that `checker.py` judges."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from tests.realtime.support import Frame, parse

if TYPE_CHECKING:
    from tests.convergence.fold import Room


@dataclass(frozen=True)
class View:
    """Which events a stream should carry."""

    tenant_id: str
    moderates: bool = False
    types: frozenset[str] | None = None
    team_id: str | None = None


@dataclass(eq=False)
class Life:
    """Everything that one client was told, over all its connections."""

    view: View
    snapshot: bool = False
    """Whether it asks for one."""
    listed: Room | None = None
    """What it listed before it began to follow, if it did."""
    listed_at: str = ""
    """The position of the first page of that list, …"""
    listed_until: str = ""
    """… and of the last."""
    blocks: list[bytes] = field(default_factory=list)
    """Frames in the order they came, without the empty lines between them."""
    complete: bool = False
    """Whether it stayed until the server had said all and goodbye. Others end in the middle."""
    rest: bytes = b""
    """What came after the last whole frame of the last connection."""


@cache
def frame_of(block: bytes) -> Frame:
    """The frame. Many clients are sent the same one, so it is read once."""
    [frame] = parse(block.decode() + "\n\n")
    return frame
