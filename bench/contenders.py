"""What is measured, in one form: a server, where its streams are, and how one event is published."""

from __future__ import annotations

import itertools
import re
import socket
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.load import Caller, request
from bench.ours import Ours, ballot, make_people, pulsestage
from bench.peers import PEERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.servers import Running

OURS = "PulseStage"
NAMES = (OURS, *(peer.name for peer in PEERS))
PORT = 7791
_UPVOTED = re.compile(rb"data: [^\n]*question:upvoted[^\n]*\nid: [^\n]*\n\n")
STREAM = "/sse?tenantId=default&events=question:upvoted,question:created"


@dataclass(frozen=True)
class Contender:
    """A running server. A stream of it is ready with so many events."""

    server: Running
    stream: str
    greeting: int
    publish: Callable[[], None]


class Toggle:
    """One person who gives and takes back a vote on each question: every change is an event."""

    def __init__(self, ours: Ours) -> None:
        self._ours = ours
        (self._cookie,) = make_people(ours.server.port, 1)
        self._turns = itertools.count()

    def everywhere(self, count: int) -> list[bytes]:
        """The requests that change the first so many questions; always the same ones, so that votes alternate."""
        up = next(self._turns) % 2 == 0
        return [ballot(self._cookie, question_id, up=up) for question_id in self._ours.questions[:count]]


def missing() -> dict[str, str]:
    """The peers that can't be started here, and what to install."""
    return {peer.name: needed for peer in PEERS if (needed := peer.missing())}


@contextmanager
def contender(name: str, frame: bytes) -> Iterator[Contender]:
    """Start one of `NAMES`. Peers publish this frame."""
    if name == OURS:
        with pulsestage(PORT) as ours:
            yield as_contender(ours)
    else:
        peer = next(each for each in PEERS if each.name == name)
        if needed := peer.missing():
            sys.exit(f"{name} is not installed ({needed})")
        with peer.start(PORT) as server:
            caller = Caller(PORT)
            sent = request("POST", "/publish", {"Content-Type": "text/plain"}, peer.body(frame))
            yield Contender(server, "/events", 0, lambda: _say(caller, sent))


def as_contender(ours: Ours) -> Contender:
    """Our server, whose events are votes on one question."""
    toggle, caller = Toggle(ours), Caller(ours.server.port)
    return Contender(ours.server, STREAM, 1, lambda: _say(caller, *toggle.everywhere(1)))


def sample_frame() -> bytes:
    """An event of our server, as a stream has it."""
    with pulsestage(PORT) as ours, socket.create_connection(("127.0.0.1", PORT), timeout=10) as stream:
        stream.sendall(request("GET", STREAM))
        received = b""
        while (frame := _UPVOTED.search(received)) is None:
            if b"connected" in received:
                as_contender(ours).publish()
            received += stream.recv(65536)
    return frame[0]


def _say(caller: Caller, sent: bytes) -> None:
    caller.send(sent)
    caller.answer()
