"""Clients that are gone without a word: no FIN, no RST, no acknowledgement, as when a phone leaves the building.

`python -m tests.live.vanishing DIRECTORY` is to run in a network namespace of its own, in which it may take away an
address. What was bound to it stays open on both sides, and no packet finds its way any more.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
from pathlib import Path

from tests.live.hostile import STREAM
from tests.live.test_faults import MANY, SETTINGS, Site
from tests.live.venue import Venue

ADDRESS = "192.0.2.1"  # of nobody (RFC 5737)
SIOCSIFFLAGS = 0x8914
SIOCSIFADDR = 0x8916
IFF_UP = 1


def set_up(interface: str, *, up: bool) -> None:
    """Bring an interface up or down. An alias that goes down is gone, with its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", interface.encode(), IFF_UP if up else 0))


def give_address(interface: str, address: str) -> None:
    """Let this machine be at that address too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        name = struct.pack("16sHH4s8x", interface.encode(), socket.AF_INET, 0, socket.inet_aton(address))
        fcntl.ioctl(sock, SIOCSIFADDR, name)


async def vanish(site: Site) -> None:
    """Streams whose clients are there, and then nowhere."""
    give_address("lo:1", ADDRESS)
    loop = asyncio.get_running_loop()
    sockets = []
    try:
        for _ in range(MANY):
            sock = socket.socket()
            sockets.append(sock)
            sock.settimeout(0)
            sock.bind((ADDRESS, 0))
            await loop.sock_connect(sock, ("127.0.0.1", site.port))
            await loop.sock_sendall(sock, STREAM)
            assert (await loop.sock_recv(sock, 1000)).startswith(b"HTTP/1.1 200 ")
        assert await site.metric("connections") == MANY + 1
        set_up("lo:1", up=False)
        await site.ask()
        await site.has_only_the_witness()
    finally:
        for sock in sockets:
            sock.close()


async def main(directory: Path) -> None:
    set_up("lo", up=True)
    venue = Venue(directory, **SETTINGS)
    await venue.start()
    try:
        site = Site(venue)
        await site.open()
        await vanish(site)
        before = await site.burden()
        await vanish(site)
        await site.ask()
        after = await site.burden()
        assert (after.streams, after.files) == (before.streams, before.files), (before, after)
    finally:
        await venue.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
