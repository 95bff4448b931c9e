"""How bytes leave: their content coding (identity or gzip) and their transfer coding (none or HTTP/1.1's chunks).

Both are applied once per payload and shared by all readers of the same coding.

A gzip stream is a header and DEFLATE blocks. Every payload is compressed on its own, by a fresh compressor without a
header (RFC 1951), and ended by Z_SYNC_FLUSH: on a byte border, by a block that is not the last, and without a reference
to anything before it. So the blocks of one payload fit behind any others, and a thousand streams share them although
each has been sent different things before. The price is a dictionary that starts empty with each payload; the prize is
that compression costs the same for one reader as for all.

There is no trailer: it would hold a checksum of all that this one stream has sent, to be computed for each reader and
each payload. A stream has no end that could need it; what was flushed is readable, and what ends it is the connection.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

EncodingName = Literal["identity", "gzip"]
"""A value of `Content-Encoding` that the engine can produce."""


class Encoding(Protocol):
    """One content encoding."""

    head: bytes
    """What a stream begins with, once."""

    def encode(self, payload: bytes) -> bytes:
        """The payload's bytes, which a reader can decode at once and behind any others of the encoding."""


class Identity:
    """Bytes as they are."""

    head = b""

    def encode(self, payload: bytes) -> bytes:
        """The payload itself."""
        return payload


class Gzip:
    r"""gzip (RFC 1952), readable at every payload's end.

    >>> gzip = Gzip()
    >>> reader = zlib.decompressobj(wbits=31)
    >>> reader.decompress(gzip.head + gzip.encode(b"data: 1\n\n")), reader.decompress(gzip.encode(b"data: 2\n\n"))
    (b'data: 1\n\n', b'data: 2\n\n')
    """

    # Magic, method DEFLATE, no flags, no time, no hint about the compressor, unknown system: the same for every stream.
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

    def encode(self, payload: bytes) -> bytes:
        """One or more complete blocks of DEFLATE."""
        compressor = zlib.compressobj(level=6, wbits=-zlib.MAX_WBITS)
        return compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)


ENCODINGS: Mapping[EncodingName, Encoding] = {"identity": Identity(), "gzip": Gzip()}


@dataclass(frozen=True, slots=True)
class Coding:
    r"""What is done to a stream's payloads before they are written: each is encoded, and may be one chunk.

    A sink over the bare connection of an HTTP/1.1 request wants chunks (RFC 9112, section 7.1): clients that read in
    blocks, such as Python's urllib3, hand on a chunk as soon as it is whole, but wait for a full block of a body that
    has none. Any other sink has a server below it that makes them.

    >>> plain, chunked = Coding(), Coding(chunked=True)
    >>> plain.begin(b"data: 1\n\n"), plain.encode(b"data: 2\n\n"), plain.end
    (b'data: 1\n\n', b'data: 2\n\n', b'')
    >>> chunked.begin(b"data: 1\n\n"), chunked.encode(b"data: 2\n\n"), chunked.end
    (b'9\r\ndata: 1\n\n\r\n', b'9\r\ndata: 2\n\n\r\n', b'0\r\n\r\n')
    """

    content: EncodingName = "identity"
    chunked: bool = False

    def begin(self, payload: bytes) -> bytes:
        """The stream's first payload, behind the encoding's head."""
        encoding = ENCODINGS[self.content]
        return self._chunk(encoding.head + encoding.encode(payload))

    def encode(self, payload: bytes) -> bytes:
        """A payload that follows others."""
        return self._chunk(ENCODINGS[self.content].encode(payload)) if payload else b""

    @property
    def end(self) -> bytes:
        """What shows that the stream was ended, and not cut off."""
        return b"0\r\n\r\n" if self.chunked else b""

    def _chunk(self, data: bytes) -> bytes:
        # An empty chunk would be the last one, so an empty payload stays empty.
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked and data else data
