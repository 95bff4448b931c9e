"""The real proxies with the configurations in `deploy/`, of which only names, places and ports are another's."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEPLOY = Path(__file__).parents[2] / "deploy"
HOST = "qa.example.org"
PATIENCE_SECONDS = 30
MODULES = Path("/usr/lib/apache2/modules")
APACHE_MODULES = ["mpm_event", "alias", "authz_core", "env", "proxy", "slotmem_shm"]
"""Those that Debian has switched on, or switches on with others; the file names the rest."""


@dataclass(frozen=True)
class Place:
    """What differs between a test and the machine of an operator."""

    room: Path
    ports: Sequence[int]
    """Of the instances."""
    port: int
    """For HTTPS."""
    plain_port: int

    @property
    def instances(self) -> dict[str, str]:
        """Their addresses in most files."""
        return {f"10.0.0.1{number}:7717": f"127.0.0.1:{port}" for number, port in enumerate(self.ports, 1)}


@dataclass(frozen=True)
class Kind:
    """A proxy that `deploy/` has a file for."""

    file: str
    program: str
    changes: Callable[[Place], dict[str, str]]
    """Texts of the file, and what stands there in a test."""
    command: Callable[[Place, Path], list[str]]
    """What runs it, after the program."""


def _nginx(place: Place) -> dict[str, str]:
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return {
        "worker_processes auto": "worker_processes 1",
        "worker_rlimit_nofile 65536;": "",
        "worker_connections 32768": "worker_connections 1024",
        "/var/log/nginx/pulsestage-error.log": f"{place.room}/error.log",
        "/var/log/nginx/pulsestage.log": f"{place.room}/access.log",
        f"/etc/ssl/{HOST}": str(place.room),
        "listen [::]:80;": "",
        "listen [::]:443 ssl http2;": "",
        "listen 80": f"listen 127.0.0.1:{place.plain_port}",
        "listen 443": f"listen 127.0.0.1:{place.port}",
        "http {": "http {" + "".join(f"{name}_temp_path {place.room / name};" for name in temporary),
        **place.instances,
    }


def _run_nginx(place: Place, file: Path) -> list[str]:
    more = f"daemon off; pid {place.room}/pid;" + (" user root;" if os.geteuid() == 0 else "")
    return ["-p", str(place.room), "-e", f"{place.room}/start.log", "-c", str(file), "-g", more]


def _haproxy(place: Place) -> dict[str, str]:
    return {
        "log /dev/log local0": "log stdout format raw local0",
        "maxconn 32768": "maxconn 1024\n    nbthread 1",
        "bind :::80 v4v6": f"bind 127.0.0.1:{place.plain_port}",
        "bind :::443 v4v6": f"bind 127.0.0.1:{place.port}",
        f"/etc/haproxy/{HOST}.pem": f"{place.room}/both.pem",
        **place.instances,
    }


def _caddy(place: Place) -> dict[str, str]:
    options = f"admin off\n\tskip_install_trust\n\thttp_port {place.plain_port}\n\tstorage file_system {place.room}"
    addresses = f"https://127.0.0.1:{place.port} https://{HOST}:{place.port}"
    return {
        "\tlog default {": f"\t{options}\n\tlog default {{",
        "{$PULSESTAGE_DOMAIN} {": f"{addresses} {{\n\ttls {place.room}/chain.pem {place.room}/key.pem",
        **{f"app{number}:7717": f"127.0.0.1:{port}" for number, port in enumerate(place.ports, 1)},
    }


def _apache(place: Place) -> dict[str, str]:
    named = re.findall(r"a2enmod (.*)", (DEPLOY / "apache.conf").read_text())[0].split()
    loaded = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in APACHE_MODULES + named)
    mine = f"ServerRoot {place.room}\nDefaultRuntimeDir {place.room}\nPidFile {place.room}/pid\nServerName {HOST}"
    mine += f"\nErrorLog {place.room}/error.log\nMutex file:{place.room}"
    listen = f"Listen 127.0.0.1:{place.plain_port}\nListen 127.0.0.1:{place.port}"
    return {
        "ServerLimit 64": f"{loaded}{mine}\n{listen}\nServerLimit 2",
        "MaxRequestWorkers 8192": "MaxRequestWorkers 256\nStartServers 1",
        "*:80": f"127.0.0.1:{place.plain_port}",
        "*:443": f"127.0.0.1:{place.port}",
        "/var/log/apache2": str(place.room),
        f"/etc/ssl/{HOST}": str(place.room),
        **place.instances,
    }


def _run_caddy(_: Place, file: Path) -> list[str]:
    return ["run", "--adapter", "caddyfile", "--config", str(file)]


KINDS = {
    "nginx": Kind("nginx.conf", "nginx", _nginx, _run_nginx),
    "haproxy": Kind("haproxy.cfg", "haproxy", _haproxy, lambda _, file: ["-W", "-db", "-f", str(file)]),
    "caddy": Kind("Caddyfile", "caddy", _caddy, _run_caddy),
    "apache": Kind("apache.conf", "apache2", _apache, lambda _, file: ["-D", "FOREGROUND", "-f", str(file)]),
}


class Proxy:
    """A running proxy in front of these ports. `url` is for clients that trust `trust`."""

    def __init__(self, room: Path, name: str, ports: Sequence[int], *changes: tuple[str, str]) -> None:
        kind = KINDS[name]
        self.name = name
        self._room = room
        self._authority = trustme.CA()
        self._write_certificate()
        place = Place(room, ports, free_port(), free_port())
        self.port, self.plain_port = place.port, place.plain_port
        self.url, self.plain_url = f"https://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.plain_port}"
        text = (DEPLOY / kind.file).read_text()
        for theirs, ours in [*kind.changes(place).items(), *changes]:
            assert theirs in text, theirs
            text = text.replace(theirs, ours)
        file = room / kind.file
        file.write_text(text)
        with (room / "said.log").open("wb") as said:
            self._process = subprocess.Popen(
                [program_of(name), *kind.command(place, file)],
                env={**os.environ, "XDG_CONFIG_HOME": str(room), "HOME": str(room)},
                stdout=said,
                stderr=said,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    @property
    def trust(self) -> ssl.SSLContext:
        """Believes this server's certificate and no other."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    @property
    def authority(self) -> Path:
        """The certificate that `trust` believes, as a file."""
        return self._room / "authority.pem"

    @property
    def logs(self) -> str:
        """All that it has written of what it did."""
        files = (
            self._room / name
            for name in ("access.log", "error.log", "said.log", "pulsestage.log", "pulsestage-error.log")
        )
        return "".join(file.read_text() for file in files if file.exists())

    def signal(self, number: signal.Signals) -> None:
        """Tell it something."""
        self._process.send_signal(number)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        finally:
            self._process.kill()

    def _write_certificate(self) -> None:
        certificate = self._authority.issue_cert("127.0.0.1", HOST)
        chain = b"".join(each.bytes() for each in certificate.cert_chain_pems)
        key = certificate.private_key_pem.bytes()
        for name, content in (("chain", chain), ("key", key), ("both", chain + key)):
            (self._room / f"{name}.pem").write_bytes(content)
        self._authority.cert_pem.write_to_path(self._room / "authority.pem")

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start: {self.logs}")
            time.sleep(0.02)


def program_of(name: str) -> str:
    """The program of this machine."""
    if path := shutil.which(KINDS[name].program, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"):
        return path
    pytest.skip(f"no {name} on this machine")
