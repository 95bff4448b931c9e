"""uvicorn's HTTP protocol with a limit for the head of a request, which it has none for."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 65_536
"""Largest head: request line and header fields. Browsers and proxies send a few thousand."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes a connection that sends more than that without coming to a body, or to the end of the request.

    The parser joins what it has of a field with each piece that comes, so that one field of 100 MB would keep the event
    loop busy for half a minute; and every client could have the server hold as much as it cares to send.
    """

    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came. A piece is at most 256 KB, so it may be counted after it was parsed."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            # None before the first request, whatever its type says.
            if self.cycle is None or self.cycle.response_complete:  # type: ignore[redundant-expr]
                self.send_400_response("The head of the request is too large.")
            else:
                self.transport.close()  # its trailers are too large, and it is being answered already

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """What came belongs to the body, which the application counts."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next request begins."""
        self._head_bytes = 0
        super().on_message_complete()
