"""What a proxy tells of where a request came from, and whether it is believed."""

from pathlib import Path

import httpx
import pytest

from tests.http.conftest import make_settings
from tests.http.streaming.server import listening


@pytest.mark.parametrize("trusted", ["127.0.0.1", "192.0.2.1"])
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_cookies_are_secure_when_a_trusted_proxy_says_https(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: str, scheme: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    async with (
        listening(make_settings(tmp_path)) as server,
        httpx.AsyncClient(base_url=server.base_url, trust_env=False) as client,
    ):
        answer = await client.get("/session", headers={"X-Forwarded-Proto": scheme})
    secure = "secure" in answer.headers["set-cookie"].lower()
    assert secure == (trusted == "127.0.0.1" and scheme == "https")
