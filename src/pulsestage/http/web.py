"""The web app: files built from `web/`, served under `/app/`; `GET /` and unknown addresses lead there."""

from __future__ import annotations

from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from pulsestage.domain.tenant import DEFAULT_SLUG
from pulsestage.realtime import accepted_encodings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Scope

    from pulsestage.http.app import HttpOptions

BUILT = Path(__file__).parent.parent / "web_dist"
_NOT_BUILT = "<!doctype html><title>PulseStage</title><p>The web app is not built; <code>make run</code> builds it."
_FOR_EVER = "public, max-age=31536000, immutable"
MAX_LED_CHARACTERS = 255
"""Of an unknown address that leads to the page. To proxies an answer with a large head is that of a broken server."""
_ASK_AGAIN = "no-cache"
_SUFFIXES = {"br": ".br", "gzip": ".gz", "identity": ""}


class Assets(StaticFiles):
    """Files whose names change with their content, so that browsers keep them. The build put compressed ones beside."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory)
        self._names = frozenset(file.name for file in directory.iterdir())

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file in the best coding that is there and that the client takes."""
        accept_encoding = ",".join(Headers(scope=scope).getlist("accept-encoding"))
        fitting = (
            coding
            for coding in accepted_encodings(accept_encoding, _SUFFIXES)
            if path + _SUFFIXES[coding] in self._names
        )
        coding = next(fitting, "identity")
        response = await super().get_response(path + _SUFFIXES[coding], scope)
        response.headers["Cache-Control"] = _FOR_EVER
        response.headers["Vary"] = "Accept-Encoding"
        if coding != "identity":
            response.headers["Content-Encoding"] = coding
        return response


def add_pages(app: FastAPI) -> None:
    """Serve the page, and the files it asks for."""
    if (BUILT / "assets").is_dir():  # or else every address below /app/ says that the app is not built
        app.mount("/app/assets", Assets(directory=BUILT / "assets"))
    app.add_api_route("/", home, include_in_schema=False)
    app.add_api_route("/app", page, include_in_schema=False)
    app.add_api_route("/app/{path:path}", page, include_in_schema=False)


async def home(request: Request) -> Response:
    """Lead to the home tenant's room."""
    options: HttpOptions = request.app.state.options
    room = "" if options.home_tenant == DEFAULT_SLUG else options.home_tenant
    return RedirectResponse(f"{_root(request)}/app/{room}", status_code=307)


async def page(request: Request, path: str | None = None) -> Response:
    """The page, whatever room it is for; the app itself reads the address. Files beside it are served as they are."""
    if path is None:
        return RedirectResponse(f"{_root(request)}/app/", status_code=307)
    # Looked for by name: to ask the file system for whatever a client sends is an error for some names.
    if path != "index.html" and any(file.name == path for file in BUILT.glob("*.*")):
        file = await StaticFiles(directory=BUILT).get_response(path, request.scope)
        file.headers["Cache-Control"] = _ASK_AGAIN
        return file
    options: HttpOptions = request.app.state.options
    html = _index(_root(request), options.home_tenant)
    # Weak: it is the same page whether compressed on its way or not.
    tag = f'W/"{blake2b(html.encode(), digest_size=12).hexdigest()}"'
    headers = {"Cache-Control": _ASK_AGAIN, "ETag": tag, "Vary": "Accept-Encoding"}
    known = {each.strip() for each in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, tag.removeprefix("W/"), "*"}:
        return Response(status_code=304, headers=headers)
    return HTMLResponse(html, headers=headers)


def page_instead(request: Request) -> Response | None:
    """Redirect a browser from an unknown address to the same path below `/app/`, where the page shows a room or helps.

    So `/acme`, which is quickly typed, is the room. Programs, which don't name HTML, get None.
    """
    if request.method != "GET" or "text/html" not in request.headers.get("accept", "").lower():
        return None
    root = _root(request)
    path = request.scope["path"].removeprefix(root).lstrip("/")
    if len(path) > MAX_LED_CHARACTERS:
        return None
    first, _, rest = path.partition("/")
    if first == "app":  # a file that only another version of the page has
        return None
    if first.lower() == "app":  # all in capitals, as QR codes have addresses
        path = rest
    return RedirectResponse(f"{root}/app/{quote(path)}", status_code=307, headers={"Vary": "Accept"})


def _root(request: Request) -> str:
    # Not the scope's: within a mount that is the mount's.
    options: HttpOptions = request.app.state.options
    return options.root_path


def _index(root: str, home: str) -> str:
    """The built page, with its prefix and home room; its files are found from every address below `/app/`."""
    try:
        html = (BUILT / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return _NOT_BUILT
    html = html.replace('"./', f'"{escape(root)}/app/')
    for name, value in (("root", root), ("home", home)):
        html = html.replace(
            f'name="pulsestage-{name}" content=""', f'name="pulsestage-{name}" content="{escape(value)}"'
        )
    return html
