"""The parser of requests, for a server that changes to no other protocol."""

from __future__ import annotations

from typing import Protocol

from httptools import HttpParserCallbackError, HttpParserUpgrade, HttpRequestParser

from pulsestage.server.head import HeadRefused


class Head(Protocol):
    """What the parser's protocol has been told of the request."""

    url: bytes
    headers: list[tuple[bytes, bytes]]
    parser: PlainParser

    def refuse(self, status: int) -> None:
        """Answer with this status, and take no more."""


class PlainParser(HttpRequestParser):
    """Parses a request that asks for another protocol (`Upgrade: h2c`, `websocket`) as one that doesn't.

    A server may ignore the field (RFC 9110, section 7.8). llhttp can't: it ends such a request after its head, whatever
    body is announced, and gives the rest back. So a fresh parser is given the head without the field, and the rest.
    Until then `asks_for_upgrade` says that this head is not the one to answer.
    """

    def __init__(self, protocol: Head) -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self._protocol = protocol

    @property
    def asks_for_upgrade(self) -> bool:
        """Whether the request at hand will be parsed again. CONNECT is an upgrade to llhttp too, and will not."""
        return bool(self.should_upgrade()) and self.get_method() != b"CONNECT"

    def feed_data(self, data: bytes | memoryview) -> None:  # type: ignore[override] # all that a transport gives
        """Parse, as httptools does. What the protocol raises HeadRefused for is not parsed further."""
        try:
            self._feed(memoryview(data))
        except HttpParserCallbackError as error:
            if not isinstance(error.__context__, HeadRefused):
                raise
            self._protocol.refuse(error.__context__.status)

    def _feed(self, rest: memoryview) -> None:
        # A view, so that requests that wait behind one another are not copied again and again.
        parser = self
        while rest:
            try:
                HttpRequestParser.feed_data(parser, rest)  # any buffer will do
            except HttpParserUpgrade as stopped:
                if not parser.asks_for_upgrade:
                    return  # what follows CONNECT is of another protocol
                rest = rest[stopped.args[0] :]
                head = parser._plain_head()
                parser = self._protocol.parser = PlainParser(self._protocol)
                HttpRequestParser.feed_data(parser, head)
            else:
                return

    def _plain_head(self) -> bytes:
        version = self.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.get_method(), self._protocol.url, version)]
        lines += [b"%b: %b" % field for field in self._protocol.headers if field[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])
