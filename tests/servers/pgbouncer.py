"""A PgBouncer for the tests, in front of their PostgreSQL: Debian's package, run as `nobody`, on a free port."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import trustme

from tests.servers.ports import free_port

START_SECONDS = 30.0
CONFIGURATION = """
[databases]
* = host={host} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = {auth_type}
pool_mode = {mode}
default_pool_size = 3
"""


@dataclass
class Tls:
    """Encryption for those who ask for it, and a user who needs it and a password."""

    certificate: trustme.LeafCert
    user: str
    password: str

    def settings(self, room: Path) -> str:
        """Write what PgBouncer needs, and return its settings."""
        self.certificate.private_key_pem.write_to_path(room / "key.pem")
        for pem in self.certificate.cert_chain_pems:
            pem.write_to_path(room / "certificate.pem", append=True)
        (room / "hba").write_text(
            f"hostssl all {self.user} 127.0.0.1/32 scram-sha-256\n"
            f"host all {self.user} 127.0.0.1/32 reject\n"
            "host all all 127.0.0.1/32 trust\n"
        )
        quoted = self.password.replace('"', '""')
        (room / "users").write_text(f'"postgres" ""\n"{self.user}" "{quoted}"\n')
        return (
            f"auth_file = {room}/users\nauth_hba_file = {room}/hba\nclient_tls_sslmode = allow\n"
            f"client_tls_key_file = {room}/key.pem\nclient_tls_cert_file = {room}/certificate.pem\n"
        )


@contextmanager
def running_pgbouncer(
    database_url: str, mode: Literal["session", "transaction"], tls: Tls | None = None
) -> Iterator[str]:
    """Start one, and give the URL of the same database through it."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "install pgbouncer"
    parts = urlsplit(database_url)
    host = parts.hostname or parse_qs(parts.query)["host"][0]
    with tempfile.TemporaryDirectory(prefix="pulsestage-pgbouncer-") as made:
        room, own_port = Path(made), free_port()
        room.chmod(0o755)
        values = {"host": host, "port": parts.port or 5432, "own_port": own_port, "mode": mode}
        configuration = CONFIGURATION.format(**values, auth_type="hba" if tls else "any")
        (room / "pgbouncer.ini").write_text(configuration + (tls.settings(room) if tls else ""))
        run_as = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        with (room / "log").open("wb") as log:
            process = subprocess.Popen([program, room / "pgbouncer.ini"], stdout=log, stderr=log, user=run_as)
        try:
            _wait_until_it_listens(process, own_port, room / "log")
            yield f"postgresql://someone@127.0.0.1:{own_port}{parts.path}"
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while f"listening on 127.0.0.1:{port}" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PgBouncer did not start:\n{log.read_text()}")
        time.sleep(0.01)
