"""Every command of docs/operations.md is run, in order, on a service with SQLite and on one with PostgreSQL.

The shell is a real one, and so are `pulsestage`, pg_dump and pg_restore. What needs root, systemd or a network is done
by the small programs in `programs/`, below a directory that stands for the machine's root.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from tests.cli.processes import eventually
from tests.docs.documents import ROOT, read, snippets
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres, programs

PAGE = "docs/operations.md"
PROGRAMS = Path(__file__).with_name("programs")
FORKS = Path(__file__).with_name("forks.py")
POSTGRES_URL = "postgresql://pulsestage:password@db.example.org/pulsestage"
ONLY_ON = {"on SQLite": "sqlite", "on PostgreSQL": "postgres"}

NOT_THE_REAL_ONE = {
    "useradd": "needs root",
    "sudo": "needs root",
    "install": "gives files to another user, below /",
    "python3": "makes an environment, which takes seconds, and its pip needs a network",
    "systemctl": "needs systemd; a reload replaces workers, which tests/server does",
    "systemd-run": "needs systemd",
    "journalctl": "needs systemd",
    "pulsestage": "is the real one, begun in a fork",
}


def test_every_program_that_is_not_the_real_one_is_named_here() -> None:
    assert {path.name for path in PROGRAMS.iterdir()} == set(NOT_THE_REAL_ONE)


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where commands are run without starting an interpreter for each."""
    path = tmp_path_factory.mktemp("forks") / "socket"
    command = [sys.executable, str(FORKS), str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=path.parent) as process:
        eventually(path.exists, seconds=60)
        yield path
        process.terminate()


@pytest.fixture
def machine(tmp_path: Path, forks: Path) -> Iterator[dict[str, str]]:
    """The environment of a shell on a machine of its own, whose service is stopped at the end."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "deploy").symlink_to(ROOT / "deploy")
    for folder in ("etc/systemd/system", "etc/pulsestage", "usr/local/sbin", "var/backups", "var/lib"):
        (tmp_path / folder).mkdir(parents=True)
    certificate = trustme.CA().issue_cert("qa.example.org")
    certificate.private_key_pem.write_to_path(str(tmp_path / "etc/pulsestage/key.pem"))
    for each in certificate.cert_chain_pems:
        each.write_to_path(str(tmp_path / "etc/pulsestage/chain.pem"), append=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("pg_dump", "pg_restore"):
        (tools / name).symlink_to(programs() / name)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PULSESTAGE_")}
    yield {
        **kept,
        "PATH": f"{PROGRAMS}:{tools}:{os.environ['PATH']}",
        "ROOT": str(tmp_path),
        "PYTHON": sys.executable,
        "FORKS": str(FORKS),
        "FORKS_SOCKET": str(forks),
        "COLUMNS": "200",
    }
    if (tmp_path / "pid").exists():
        subprocess.run([PROGRAMS / "systemctl", "stop"], env={**os.environ, "ROOT": str(tmp_path)}, check=True)


def script(kind: str, root: str, postgres_url: str) -> str:
    """The page's commands, with this machine's paths, ports and database in them."""
    blocks = [each for each in snippets(read(PAGE)) if each.language == "sh"]
    text = "\n".join(each.text for each in blocks if ONLY_ON.get(each.mark, kind) == kind)
    settings = [f"PULSESTAGE_PORT={free_port()}"]
    if kind == "postgres":
        settings.append(f"PULSESTAGE_DATABASE_URL={postgres_url}")
    # Four workers take four seconds to start.
    text, changed = re.subn(r"PULSESTAGE_WORKERS=4\nPULSESTAGE_WORKER_PORTS=9100", "\n".join(settings), text)
    assert changed == 1
    text = text.replace("PULSESTAGE_PORT=8443", f"PULSESTAGE_PORT={free_port()}")
    text = text.replace(POSTGRES_URL, postgres_url)
    return re.sub(r"(?<=[ =>])/(opt|etc|var|usr)/", rf"{root}/\1/", text)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_every_command_of_the_page_works_in_order(kind: str, machine: dict[str, str], postgres: Postgres) -> None:
    root = machine["ROOT"]
    with ExitStack() as stack:
        laptop, service = (stack.enter_context(postgres.database()) for _ in range(2))
        service = service.replace("postgresql+asyncpg", "postgresql")
        environment = {**machine, "PULSESTAGE_PORT": str(free_port())}
        if kind == "postgres":
            environment["PULSESTAGE_DATABASE_URL"] = laptop
        commands = script(kind, root, service)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=f"{root}/work",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        if Path(root, "pid").exists():
            subprocess.run([PROGRAMS / "systemctl", "stop"], env=machine, check=True)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout
    for each in expected(kind, root):
        _, found, shown = shown.partition(each)
        assert found, f"{each!r} is not in what is left of\n{done.stdout}{done.stderr}"
    exported = Path(root, "work/town-hall.jsonl").read_text()
    assert exported.startswith('{"type":"tenant",')
    assert exported.count("\n") == 1
    state = {path.name for path in Path(root, "var/lib/pulsestage").iterdir()}
    assert "secret.key" in state
    if kind == "postgres":  # nothing was made where a command did not find its database
        assert state == {"secret.key"}


def expected(kind: str, root: str) -> list[str]:
    """What the commands print, in order."""
    backup = f"{root}/var/backups/pulsestage/today.backup"
    special = {
        "sqlite": [f"has 2 tenants, 0 questions, 0 votes of {root}/var/lib/pulsestage/pulsestage.db."],
        "postgres": ["2 logs have a new epoch in /tmp/"],
    }
    return [
        "town-hall is ready: http://127.0.0.1:",
        "/app/town-hall#signin=",
        "PulseStage serves http://127.0.0.1:",
        "town-hall is ready: https://qa.example.org/app/town-hall",
        "https://qa.example.org/app/town-hall#signin=",
        "PulseStage serves https://qa.example.org; Ctrl-C stops it.",
        "PulseStage serves https://qa.example.org:8443; Ctrl-C stops it.",
        f"{backup} has 2 tenants, 0 questions, 0 votes of ",
        f"has 2 tenants, 0 questions, 0 votes of {backup}.",
        *special[kind],
        "https://qa.example.org/app/town-hall",
        "town-hall is deleted from ",
    ]
