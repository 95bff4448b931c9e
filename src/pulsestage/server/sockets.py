"""What the operating system is asked for: enough descriptors, word of peers that are gone, and no new connections."""

from __future__ import annotations

import logging
import os
import socket
import struct
import sys
from contextlib import suppress
from ctypes import addressof, create_string_buffer
from typing import Final

log = logging.getLogger("pulsestage.server")

SEND_BUFFER_BYTES: Final = 128 * 1024
"""What the kernel holds for a reader who takes nothing; it doubles the number. Left to itself it may take megabytes."""
OTHER_FILES: Final = 200
"""Descriptors that are no connections: databases, logs, the loop itself."""
PROBES: Final = 3
"""How many keep-alive probes may stay without an answer."""
_SO_ATTACH_FILTER: Final = 26
_SO_DETACH_FILTER: Final = 27
_DROP_SYN: Final = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte with TCP's flags
        (0x45, 0, 1, 0x02),  # has it SYN?
        (0x06, 0, 0, 0),  # yes: drop the packet
        (0x06, 0, 0, 0xFFFF_FFFF),  # no: keep all of it
    )
)
"""A packet filter of the kernel (classic BPF)."""


def watch_peers(listener: int, seconds: float) -> None:
    """Have connections of this listening socket end when their peer acknowledges nothing for so long.

    A phone that goes out of range sends no FIN. Bytes that nobody acknowledges end the connection after
    TCP_USER_TIMEOUT (RFC 5482), and a connection without bytes is probed. Linux gives a listener's options to what it
    accepts; elsewhere they may do nothing, and the engine's heartbeats and its patience with slow readers remain.
    """
    with socket.socket(fileno=os.dup(listener)) as sock:
        if sock.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        # The user timeout ends an idle connection too, at the first probe after it that stays without an answer: so the
        # first is sent at half of the time, and all of them within it.
        half = max(1, round(seconds / 2))
        for name, value in (
            ("TCP_USER_TIMEOUT", round(seconds * 1000)),
            ("TCP_KEEPIDLE", half),
            ("TCP_KEEPINTVL", max(1, half // PROBES)),
            ("TCP_KEEPCNT", PROBES),
        ):
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def drop_new(listener: int) -> None:
    """Have the kernel ignore new connections to this listening socket, while handshakes that have begun go on.

    Closing a listening socket resets every connection that nobody has accepted yet. So whoever is about to close it
    first lets no more come, accepts those that wait, and then closes it: a client that was ignored repeats its SYN
    after a second and is refused. Only Linux has this; elsewhere a connection may come between the last accept and the
    close.
    """
    if sys.platform != "linux":
        return
    program = create_string_buffer(_DROP_SYN)
    described = struct.pack("HL", len(_DROP_SYN) // struct.calcsize("HBBI"), addressof(program))
    with socket.socket(fileno=os.dup(listener)) as sock, suppress(OSError):  # some sandboxes have no filters
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def take_new(listener: int) -> None:
    """Undo `drop_new`: a worker may be given a socket that another one has stopped listening on."""
    with socket.socket(fileno=os.dup(listener)) as sock, suppress(OSError):  # most often there is nothing to undo
        if sys.platform == "linux":
            sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def allow_open_files(connections: int) -> None:
    """Raise the process's own limit of open files as far as these connections need it, or as far as it goes."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # macOS and some containers have further limits, which they don't tell
        allowed = soft
    if allowed < needed:
        log.warning(
            "This process may open %d files, not enough for %d connections; raise the limit (`ulimit -n`, or "
            "LimitNOFILE= of its unit), or lower PULSESTAGE_MAX_CONNECTIONS",
            allowed,
            connections,
        )
