"""The chunks of HTTP/1.1 (RFC 9112, section 7.1), taken apart as they come."""


class Chunks:
    """Give it bytes, get the body's. `ended`: the last chunk has come."""

    def __init__(self) -> None:
        self.ended = False
        self._waiting = b""  # a chunk's head that is not whole yet
        self._left = 0  # of the present chunk, its line end included

    def feed(self, data: bytes) -> bytes:
        body, data = b"", self._waiting + data
        while data and not self.ended:
            if self._left:
                piece, data = data[: self._left], data[self._left :]
                body += piece[: max(0, self._left - 2)]
                self._left -= len(piece)
            else:
                head, end, rest = data.partition(b"\r\n")
                if not end:
                    break
                size, data = int(head, 16), rest
                self.ended = size == 0
                self._left = size + 2
        self._waiting = data
        return body
