"""What a rule is, and how one ends: it returns, or raises Broken or Skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pulsestage.cli.conformance.probe import Probe

_SHOWN = 160


class Broken(Exception):
    """The server does otherwise than the rule says."""

    def __init__(self, expected: str, came: object) -> None:
        super().__init__(f"expected {expected}; came {shown(came)}")


class Skipped(Exception):
    """The rule can't be tried here; the message says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One sentence of the contract. `section` says where it stands: a heading of a document, or an RFC."""

    name: str
    title: str
    section: str
    writes: bool
    slow: bool
    alone: bool
    check: Callable[[Probe], Awaitable[None]]


def rule(
    section: str, *, writes: bool = False, slow: bool = False, alone: bool = False
) -> Callable[[Callable[[Probe], Any]], Rule]:
    """Make a rule of a function: its name names the rule, its docstring is the sentence.

    `writes`: it asks or votes, or signs somebody in. `slow`: it waits for a heartbeat.
    `alone`: it needs a moment in which nobody writes, so it is tried after the others.
    """

    def make(check: Callable[[Probe], Any]) -> Rule:
        name = check.__name__.replace("_", "-")
        return Rule(name, str(check.__doc__), section, writes, slow, alone, check)

    return make


def expect(condition: object, expected: str, came: object) -> None:
    """Raise Broken unless the condition holds."""
    if not condition:
        raise Broken(expected, came)


def shown(came: object) -> str:
    """What came, as far as it fits: bytes as Python writes them, so that nothing can steer a terminal."""
    text = came if isinstance(came, str) else repr(came)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
