"""One line of text for one event of a stream."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from pulsestage.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

_STYLES = {
    "question:created": "bold green",
    "question:upvoted": "cyan",
    "question:answered": "bold blue",
    "question:removed": "red",
    "reset": "bold red",
    "goodbye": "yellow",
    "connected": "dim",
}


def line_of(event: dict[str, Any]) -> Text:
    """Local time, type, the end of the question's id, and what there is to know."""
    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
    data = event.get("data") or {}
    question = f"…{data['questionId'][-6:]}" if "questionId" in data else ""
    line = Text(f"{moment:%H:%M:%S}  ", style="dim")
    line.append(f"{event['type']:<18}", style=_STYLES.get(event["type"], "magenta"))
    line.append(f" {question:<8}", style="dim")
    gist = _GISTS.get(event["type"])
    line.append(one_line(gist(data) if gist else str(event.get("tenantSlug", ""))), style="default")
    return line


def _names(things: list[dict[str, Any]]) -> str:
    return ", ".join(thing["name"] for thing in things) or "none"


_GISTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "question:created": lambda data: str(data["body"]),
    "question:upvoted": lambda data: f"{data['upvotes']} vote{'' if data['upvotes'] == 1 else 's'}",
    "question:answered": lambda data: str(data["responseText"]),
    "question:tagged": lambda data: _names(data["tags"]),
    "question:untagged": lambda data: _names(data["tags"]),
    "question:pinned": lambda data: "pinned" if data["isPinned"] else "unpinned",
    "question:frozen": lambda data: "frozen" if data["isFrozen"] else "unfrozen",
    "tags:changed": lambda data: _names(data["tags"]),
    "teams:changed": lambda data: _names(data["teams"]),
    "reset": lambda data: str(data["reason"]),
    "goodbye": lambda data: str(data["reason"]),
}
