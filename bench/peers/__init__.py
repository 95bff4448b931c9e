"""The servers that ours is compared with: what each needs, how it is started, what it is told to publish.

All of them answer `GET /events` with a stream and send the body of `POST /publish` to every reader. The body is a frame
of our own server. Two of them put frames together themselves: sse-starlette takes its fields and makes the same bytes,
Nchan takes the data alone and gives it an id of its own (`id: 1700000000:0` for `id: epoch.seq`).
"""

from __future__ import annotations

import getpass
import importlib.util
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clients import BUILD, compiled
from bench.servers import Running, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
EXPRESS = BUILD / "express"
NGINX = "/usr/sbin/nginx"
NCHAN_MODULES = ("/usr/lib/nginx/modules/ngx_nchan_module.so", "/usr/lib64/nginx/modules/ngx_nchan_module.so")


@dataclass(frozen=True)
class Peer:
    """A server of somebody else's design. `missing` says what to install, and is empty if all is there."""

    name: str
    missing: Callable[[], str]
    start: Callable[[int], AbstractContextManager[Running]]
    body: Callable[[bytes], bytes] = lambda frame: frame


def _nchan_missing() -> str:
    there = Path(NGINX).exists() and any(Path(module).exists() for module in NCHAN_MODULES)
    return "" if there else "apt-get install libnginx-mod-nchan"


def _sse_starlette_missing() -> str:
    return "" if importlib.util.find_spec("sse_starlette") else "pip install -r requirements/bench.lock"


def _start_send_loop(port: int) -> AbstractContextManager[Running]:
    return running([compiled(HERE / "send_loop.c"), str(port)], port)


@contextmanager
def _start_nchan(port: int) -> Iterator[Running]:
    module = next(module for module in NCHAN_MODULES if Path(module).exists())
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = min(files, 65536) if files > 0 else 65536  # nginx makes an array of so many
    with tempfile.TemporaryDirectory() as folder:
        text = (HERE / "nchan.conf").read_text(encoding="utf-8")
        configuration = Path(folder, "nginx.conf")
        filled = text.format(module=module, user=getpass.getuser(), files=files, folder=folder, port=port)
        configuration.write_text(filled, encoding="utf-8")
        command = [NGINX, "-p", folder, "-e", f"{folder}/error.log", "-c", str(configuration)]
        with running(command, port, find_pid=_worker_of) as server:
            yield server


def _worker_of(master: int) -> int:
    """The only child of nginx's master process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == master:
            return int(folder.name)
    raise LookupError("nginx has no worker")


@cache
def _express_missing() -> str:
    """Installs Express, as the lock has it, unless it is there."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "apt-get install nodejs npm"
    EXPRESS.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "express/package-lock.json").read_bytes()
    stamp = EXPRESS / "node_modules/.installed"
    if stamp.exists() and stamp.read_bytes() == wanted:
        return ""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / "express" / name, EXPRESS)
    if subprocess.run(["npm", "ci", "--silent"], cwd=EXPRESS, check=False).returncode:  # noqa: S607 - this machine's
        return f"npm ci failed in {EXPRESS}"
    stamp.write_bytes(wanted)
    return ""


def _start_express(port: int) -> AbstractContextManager[Running]:
    shutil.copy(HERE / "express/server.js", EXPRESS)
    return running(["node", str(EXPRESS / "server.js"), str(port)], port, {"NODE_ENV": "production"})


def _python(name: str) -> Callable[[int], AbstractContextManager[Running]]:
    return lambda port: running([sys.executable, str(HERE / name), str(port)], port)


def _data_of(frame: bytes) -> bytes:
    """Its data alone."""
    data = frame.removeprefix(b"data: ").partition(b"\n")[0]
    json.loads(data)  # one line of it, or this would be another event
    return data


PEERS = (
    Peer("C send loop", lambda: "", _start_send_loop),
    Peer("Nchan", _nchan_missing, _start_nchan, _data_of),
    Peer("Express", _express_missing, _start_express),
    Peer("Starlette queue", lambda: "", _python("starlette_queue.py")),
    Peer("sse-starlette", _sse_starlette_missing, _python("sse_starlette_app.py")),
)
