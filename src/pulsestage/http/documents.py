"""The documents, served: OpenAPI at `/openapi.json`, rendered at `/docs` without asking anybody on the internet.

What streams carry has a document of its own, AsyncAPI at `/asyncapi.json`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from pulsestage.http import asyncapi, openapi


def add_pages(app: FastAPI) -> None:
    """Let the app describe itself."""
    app.add_api_route("/docs", docs, include_in_schema=False)
    app.add_api_route("/asyncapi.json", asyncapi_document, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=Path(str(files("fastapi_offline") / "static"))))

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.describe(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign] # FastAPI's documented way to extend the document


async def docs(request: Request) -> HTMLResponse:
    """The API's documentation, to read and to try."""
    root = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="PulseStage API",
        swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
        swagger_favicon_url="data:,",
    )


async def asyncapi_document() -> Response:
    """The streams' description, for programs."""
    return Response(asyncapi.as_json(), media_type="application/json")
