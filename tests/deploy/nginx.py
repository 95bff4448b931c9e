"""The real nginx with `deploy/nginx.conf`, of which only names, places and ports are another's."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from tests.live.venue import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
HOST = "qa.example.org"
START_SECONDS = 20
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    """A running nginx in front of these ports. `url` is for clients that trust `trust`."""

    def __init__(self, room: Path, path: str, ports: Iterable[int], *changes: tuple[str, str]) -> None:
        self._room = room
        self._authority = trustme.CA()
        certificate = self._authority.issue_cert("127.0.0.1", HOST)
        certificate.private_key_pem.write_to_path(room / "key.pem")
        for number, each in enumerate(certificate.cert_chain_pems):
            each.write_to_path(room / "chain.pem", append=number > 0)
        self.port, self.plain_port = free_port(), free_port()
        self.url, self.plain_url = f"https://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.plain_port}"
        (room / "nginx.conf").write_text(self._configuration(ports, changes))
        options = f"daemon off; pid {room / 'pid'};" + (" user root;" if os.geteuid() == 0 else "")
        self._process = subprocess.Popen(
            [path, "-p", str(room), "-e", str(room / "error.log"), "-c", str(room / "nginx.conf"), "-g", options],
            stderr=subprocess.PIPE,
        )
        self._wait()

    @property
    def trust(self) -> ssl.SSLContext:
        """Believes this server's certificate and no other."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    @property
    def access_log(self) -> str:
        """What was asked."""
        return (self._room / "access.log").read_text()

    def reload(self) -> None:
        """As `nginx -s reload` does: new workers, and the old ones leave when they have nothing to do."""
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(START_SECONDS)
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _configuration(self, ports: Iterable[int], changes: Iterable[tuple[str, str]]) -> str:
        text = CONFIGURATION.read_text()
        own = {
            "worker_processes auto": "worker_processes 1",
            "worker_rlimit_nofile 65536;": "",
            "worker_connections 32768": "worker_connections 1024",
            "/var/log/nginx/pulsestage.log": str(self._room / "access.log"),
            "/etc/ssl/qa.example.org": str(self._room),
            "listen 80": f"listen 127.0.0.1:{self.plain_port}",
            "listen 443": f"listen 127.0.0.1:{self.port}",
            "http {": "http {" + "".join(f"{name}_temp_path {self._room / name};" for name in _TEMPORARY),
        }
        own |= {f"10.0.0.1{number}:7717": f"127.0.0.1:{port}" for number, port in enumerate(ports, 1)}
        for theirs, ours in [*own.items(), *changes]:
            assert theirs in text, theirs
            text = text.replace(theirs, ours)
        return text

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (self._room / "pid").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                assert self._process.stderr is not None
                raise RuntimeError(self._process.stderr.read().decode())
            time.sleep(0.02)
