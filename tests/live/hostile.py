"""Clients that mean harm, or have met with it. Each is a few sockets and knows nothing of tests."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from tests.stress.connection import asking

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SMALL_BUFFER = 4096
STREAM = asking("tenantId=default")


@asynccontextmanager
async def streams(port: int, count: int, after: bytes = b"") -> AsyncIterator[list[socket.socket]]:
    """Sockets that have asked for streams, with hardly any room for them, and have read nothing yet.

    `after` is what they say right after the request.
    """
    loop = asyncio.get_running_loop()
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            sock = socket.socket()
            opened.append(sock)
            sock.settimeout(0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            await loop.sock_connect(sock, ("127.0.0.1", port))
            with suppress(ConnectionError):  # it may have had enough
                await loop.sock_sendall(sock, STREAM + after)
        yield opened
    finally:
        for sock in opened:
            sock.close()


async def sip(sockets: list[socket.socket], seconds: float) -> None:
    """Read a byte of each, and again after so long, and so on."""
    while True:
        await asyncio.sleep(seconds)
        for sock in sockets:
            with suppress(OSError):  # nothing there, or closed
                sock.recv(1)


_CROWD = """
import resource, socket, sys
port, count, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, count + 100), hard), hard))
sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
if path:
    for each in sockets:
        each.sendall(b"GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" % path.encode())
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def crowd(port: int, count: int, path: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process with so many connections, which ask for that path or say nothing at all. It ends with the block."""
    command = [sys.executable, "-c", _CROWD, str(port), str(count), path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.communicate()
