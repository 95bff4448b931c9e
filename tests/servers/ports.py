"""Ports for servers that can't be told to take any free one."""

import secrets
import socket
from contextlib import ExitStack, suppress

LOWEST, HIGHEST = 10_000, 32_000
"""Below the ports that systems give to outgoing connections and to those who ask for any."""


def free_port(number: int = 1) -> int:
    """A port that nobody listens on now, by chance; the first of so many, if several are wanted."""
    while True:
        first = LOWEST + secrets.randbelow(HIGHEST - LOWEST - number)
        with ExitStack() as stack, suppress(OSError):
            for port in range(first, first + number):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
