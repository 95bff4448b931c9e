"""What a program does itself when its library hands it lines or events, and doesn't reconnect."""

from __future__ import annotations

import json


def report(last_event_id: str, data: str) -> None:
    """Print one event on a line of its own."""
    print(json.dumps([last_event_id, data]), flush=True)  # noqa: T201 - this is how the test reads it


class Frames:
    """Assembles frames from lines and reports each."""

    def __init__(self) -> None:
        self.last_event_id = ""
        self._id = b""
        self._data: list[bytes] = []

    def connect(self) -> dict[str, str]:
        """Drop a frame that the last connection left unfinished. The headers with which to resume."""
        self._id, self._data = self.last_event_id.encode(), []
        return resuming(self.last_event_id)

    def read(self, line: bytes) -> None:
        """One line, with or without its line break. The last one of a connection may end within a character."""
        line = line.rstrip(b"\n")
        field, _, value = line.partition(b": ")
        if field == b"data":
            self._data.append(value)
        elif field == b"id":
            self._id = value
        elif not line:
            # An id counts when its frame is complete, wherever in the frame it stands.
            self.last_event_id = self._id.decode()
            if self._data:
                report(self.last_event_id, b"\n".join(self._data).decode())
            self._data = []


def resuming(last_event_id: str) -> dict[str, str]:
    """The headers with which to resume there."""
    return {"Last-Event-ID": last_event_id} if last_event_id else {}
