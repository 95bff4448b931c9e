"""The sockets the server listens on, bound before anything else is started: a taken port is known at once."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from pulsestage.cli.terminal import Failure

if TYPE_CHECKING:
    from pulsestage.settings import Settings


class PortTaken(Failure):
    """Somebody else listens there."""


def listen(host: str, port: int, setting: str = "--port") -> list[socket.socket]:
    """One socket for each address of the host, all on one port, which `setting` chose. Raises PortTaken, Failure.

    `::` is every address, those of IPv4 too: by a socket of their own, as one for both would show 127.0.0.1, which may
    be a trusted proxy's, as `::ffff:127.0.0.1`.
    """
    hosts = (host, "0.0.0.0") if host == "::" else (host,)  # noqa: S104 - asked for
    try:
        found = [
            address
            for each in hosts
            for address in socket.getaddrinfo(each, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        ]
    except socket.gaierror as error:
        raise Failure(f"{host} is no address of this machine: {error.strerror}.") from error
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            # With the protocol named, the event loop knows that it is TCP and switches Nagle's algorithm off.
            bound = socket.socket(family, kind, protocol)
            sockets.append(bound)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((address[0], port_of(sockets[0]) or port, *address[2:]))
            # Two can be bound to one port, but only one can listen.
            bound.listen(2048)
    except OSError as error:
        close(sockets)
        raise _explained(error, host, port, setting) from error
    return sockets


def port_of(bound: socket.socket) -> int:
    """The port it has; 0 before it is bound."""
    port: int = bound.getsockname()[1]
    return port


def close(sockets: list[socket.socket]) -> None:
    """Give the port back."""
    for each in sockets:
        each.close()


def at_port(settings: Settings, sockets: list[socket.socket]) -> Settings:
    """The settings with the real port, which tell the real address."""
    return settings.model_copy(update={"port": port_of(sockets[0])})


def _explained(error: OSError, host: str, port: int, setting: str) -> Failure:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(f"Port {port} on {host} is taken by another program; choose another one with {setting}.")
    if error.errno == errno.EACCES:
        return Failure(f"You may not listen on port {port}; choose one above 1023 with {setting}.")
    if error.errno == errno.EADDRNOTAVAIL:
        return Failure(f"{host} is no address of this machine; choose another one with --host.")
    return Failure(f"Can't listen on {host}, port {port}: {error.strerror}.")
