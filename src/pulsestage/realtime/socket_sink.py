"""A sink for a connection that a server has handed over: no task, no parser, no queue, one `write` per payload."""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

MAX_DISCARDED_BYTES: Final = 64 * 1024
"""A reader has nothing to say after its request. What it says is dropped, and after this much the connection too."""
PROBE_SECONDS: Final = (0.01, 0.1, 1.0)
"""When to ask again whether a reader that has stopped sending is still there: the answer takes a round trip."""
_HAS_DESCRIPTORS: Final = sys.platform != "win32"
"""Whether a socket is a file, as on Unix; on Windows only the transport can write to it."""
_BYTES_ACKED: Final = 120
"""Where Linux's `struct tcp_info` has `tcpi_bytes_acked`."""


def _ignore() -> None:
    """Nobody is attached."""


class SocketSink(asyncio.Protocol):
    r"""Writes a stream straight to a socket.

    transport  a connected asyncio transport whose response head was written; the sink becomes its protocol
    probe      bytes that mean nothing to the reader, such as an SSE comment, to find out if it is still there

    At rest a payload is one system call on the file descriptor. What the kernel doesn't take goes to the transport, and
    the sink is full until the transport is empty again: at most one payload and a farewell wait here, whatever the
    reader does. TLS, whose transports encrypt, is always written through the transport, which has two layers there: the
    lower one holds up to 64 KiB and a payload before the sink is full.

    The descriptor is used only between `set_protocol` and `connection_lost`. asyncio and uvloop both close it after
    that call, so that it can't be somebody else's yet (`tests/realtime/test_socket_sink.py` holds them to it).

    >>> import asyncio, socket
    >>> async def main() -> None:
    ...     ours, theirs = socket.socketpair()
    ...     transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    ...     sink, closed = SocketSink(transport), asyncio.Event()
    ...     sink.attach(on_drain=lambda: None, on_close=closed.set)
    ...     with theirs:
    ...         print(sink.write(b"data: 1\n\n"), theirs.recv(100))
    ...         sink.close(b"bye")
    ...         await closed.wait()
    ...         print(theirs.recv(100), theirs.recv(100))
    >>> asyncio.run(main())
    True b'data: 1\n\n'
    b'bye' b''
    """

    __slots__ = (
        "_begun",
        "_closing",
        "_discarded",
        "_fd",
        "_full",
        "_lost",
        "_on_close",
        "_on_drain",
        "_probe",
        "_socket",
        "_transport",
    )

    def __init__(self, transport: asyncio.Transport, probe: bytes = b"") -> None:
        self._transport = transport
        self._probe = probe
        self._on_drain: Callable[[], None] = _ignore
        self._on_close: Callable[[], None] = _ignore
        self._begun = False
        self._closing = False
        self._full = False
        self._lost = False
        self._discarded = 0
        encrypts = transport.get_extra_info("ssl_object") is not None
        direct = _HAS_DESCRIPTORS and not encrypts
        self._socket = transport.get_extra_info("socket").fileno() if direct else -1
        self._fd = -1  # where to write directly; -1 if that can't be done now
        transport.set_protocol(self)
        # Plain transports are full when anything waits in them, so that nothing overtakes it. TLS transports compare in
        # another way and would be full for ever at zero.
        transport.set_write_buffer_limits(high=1 if encrypts else 0, low=0)
        if transport.get_write_buffer_size():  # the response's head; whether it was full already is not told again
            self.pause_writing()

    # ---- The sink ------------------------------------------------------------------------------

    @property
    def direct(self) -> Callable[[bytes], int] | None:
        """The system call, for this descriptor."""
        return partial(os.write, self._fd) if self._fd >= 0 else None

    @property
    def progress(self) -> int:
        """How much the reader's machine has acknowledged or, where that isn't known, how little waits on this one."""
        connection = self._transport.get_extra_info("socket")
        acknowledged = _acknowledged(connection)
        if acknowledged is None:
            return -self._transport.get_write_buffer_size() - _unsent(connection)
        return acknowledged

    def attach(self, on_drain: Callable[[], None], on_close: Callable[[], None]) -> None:
        """Who is to be told."""
        self._on_drain = on_drain
        self._on_close = on_close

    def write(self, payload: bytes | memoryview) -> bool:
        """Send this; False if the reader doesn't keep up."""
        if self._fd < 0:
            return self._write_through(payload)
        try:
            sent = os.write(self._fd, payload)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # the reader is gone; `connection_lost` follows
            self.abort()
            return False
        return sent == len(payload) or self._write_through(memoryview(payload)[sent:])

    def close(self, farewell: bytes = b"") -> None:
        """End after what the transport holds, and `farewell`, were sent."""
        if not self._closing:
            self._stop()
            self._transport.write(farewell)
            self._transport.close()

    def abort(self) -> None:
        """End now."""
        self._stop()
        if not self._lost:  # asyncio's transports don't like to be aborted after that
            self._transport.abort()

    # ---- The protocol --------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The transport holds something."""
        self._full = True
        self._fd = -1

    def resume_writing(self) -> None:
        """The transport is empty."""
        self._full = False
        if not self._closing:
            if self._begun:
                self._fd = self._socket
            self._on_drain()

    def data_received(self, data: bytes) -> None:
        """Drop what comes after the request."""
        self._discarded += len(data)
        if self._discarded > MAX_DISCARDED_BYTES:
            self.abort()

    def eof_received(self) -> bool:
        """The reader sends no more. It may still read, or be gone: whoever is gone answers a probe with a reset."""
        if self._closing or not self._probe or self._socket < 0:
            return False
        self._send_probe()
        # Nobody reads the socket any more, so the reset itself goes unseen; the next write meets it.
        for seconds in PROBE_SECONDS:
            asyncio.get_running_loop().call_later(seconds, self._send_probe)
        return True

    def connection_lost(self, _error: Exception | None) -> None:
        """It is over."""
        self._stop()
        self._lost = True
        on_close, self._on_drain, self._on_close = self._on_close, _ignore, _ignore
        on_close()

    def _stop(self) -> None:
        self._closing = True
        self._fd = -1

    def _write_through(self, payload: bytes | memoryview) -> bool:
        if self._closing:
            return False
        self._begun = True
        self._transport.write(payload)
        if self._full:
            return False
        self._fd = self._socket
        return True

    def _send_probe(self) -> None:
        # Not before the first payload, which may begin with what a decoder must see first. If something still waits to
        # be sent, that is a probe as good. Nothing may be left waiting that the engine doesn't know of, or what it
        # writes directly would overtake it; and whose last few bytes of room are gone doesn't read.
        if self._fd < 0:
            return
        try:
            whole = os.write(self._fd, self._probe) == len(self._probe)
        except BlockingIOError:
            return
        except OSError:
            whole = False
        if not whole:
            self.abort()


def _acknowledged(connection: socket.socket) -> int | None:
    """Bytes that the other end of a TCP connection has acknowledged so far, encrypted ones in whatever layers too.

    None for other sockets, for closed ones, and where the system doesn't count.
    """
    with suppress(AttributeError, OSError, ValueError, struct.error):
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
        return int(struct.unpack_from("=Q", info, _BYTES_ACKED)[0])
    return None


def _unsent(connection: socket.socket) -> int:
    """Bytes that the kernel holds for the other end; 0 if it doesn't say."""
    with suppress(ImportError, OSError, ValueError):
        import fcntl  # noqa: PLC0415 - Windows has neither
        import termios  # noqa: PLC0415

        return int(struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
    return 0
