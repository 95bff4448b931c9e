"""The page and where it is, also below a path prefix."""

import gzip
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import AsyncClient, Response

from pulsestage.http import web
from tests.http.conftest import Room, assert_problem, make_settings, new_room, serving

INDEX = (
    '<!doctype html><meta name="pulsestage-root" content=""><meta name="pulsestage-home" content="">'
    '<script src="assets/a.js"></script>'
)

SCRIPT = "export const answer = 42;"
GZIP = gzip.compress(SCRIPT.encode())
BROTLI = b"as the build has made it"  # decoded by nobody here: tests/live has a browser


@pytest.fixture(autouse=True)
def built(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A web app as the build leaves it."""
    folder = tmp_path_factory.mktemp("web_dist")
    (folder / "assets").mkdir()
    (folder / "assets" / "a.js").write_text("//")
    (folder / "assets" / "b.js").write_text(SCRIPT)
    (folder / "assets" / "b.js.br").write_bytes(BROTLI)
    (folder / "assets" / "b.js.gz").write_bytes(GZIP)
    (folder / "index.html").write_text(INDEX)
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder.parent / "secret.txt").write_text("secret")
    monkeypatch.setattr(web, "BUILT", folder)
    return folder


@pytest.fixture
async def prefixed(tmp_path: Path, built: Path) -> AsyncIterator[Room]:
    """A room of a server that a proxy serves below /qa."""
    async with serving(make_settings(tmp_path / "data", root_path="qa/")) as app:
        yield await new_room(app)


@pytest.fixture
async def plain(tmp_path: Path, built: Path) -> AsyncIterator[AsyncClient]:
    """Somebody at a server without a prefix."""
    async with serving(make_settings(tmp_path / "data", home_tenant="acme")) as app:
        yield (await new_room(app)).guest()


async def test_home_leads_to_the_home_tenants_room(plain: AsyncClient) -> None:
    answer = await plain.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/app/acme")
    assert (await plain.get("/app")).headers["location"] == "/app/"


@pytest.mark.parametrize("address", ["/app/", "/app/acme", "/app/acme/stage", "/app/acme.corp", "/app/index.html"])
async def test_every_room_is_the_page(plain: AsyncClient, address: str) -> None:
    answer = await plain.get(address)
    assert answer.text == INDEX.replace('home" content=""', 'home" content="acme"')
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


async def test_its_files_are_found_from_every_address(plain: AsyncClient, prefixed: Room, built: Path) -> None:
    (built / "index.html").write_text('<script src="./assets/a.js"></script>')
    assert (await plain.get("/app/acme/")).text == '<script src="/app/assets/a.js"></script>'
    assert (await prefixed.guest().get("/qa/app/acme")).text == '<script src="/qa/app/assets/a.js"></script>'


async def test_files_beside_the_page_and_assets_for_ever(plain: AsyncClient) -> None:
    icon = await plain.get("/app/favicon.svg")
    assert icon.headers["content-type"].startswith("image/svg")
    # Its name stays the same, so without a word browsers would keep it for as long as they like.
    assert icon.headers["cache-control"] == "no-cache"
    again = await plain.get("/app/favicon.svg", headers={"If-None-Match": icon.headers["etag"]})
    assert again.status_code == 304
    asset = await plain.get("/app/assets/a.js")
    assert (asset.text, asset.headers["cache-control"]) == ("//", "public, max-age=31536000, immutable")
    assert (await plain.get("/app/assets/none.js")).status_code == 404


@pytest.mark.parametrize(
    "accept, coding, size",
    [
        ("gzip, deflate, br, zstd", "br", len(BROTLI)),
        ("gzip, br;q=0", "gzip", len(GZIP)),
        ("br;q=0.5, gzip", "gzip", len(GZIP)),
        ("identity;q=0, *", "br", len(BROTLI)),
        ("identity", None, len(SCRIPT)),
        ("zstd", None, len(SCRIPT)),
        ("identity;q=0", None, len(SCRIPT)),
        ("", None, len(SCRIPT)),
    ],
)
async def test_scripts_come_in_the_best_coding_that_is_accepted(
    plain: AsyncClient, accept: str, coding: str | None, size: int
) -> None:
    async with plain.stream("GET", "/app/assets/b.js", headers={"Accept-Encoding": accept}) as answer:
        body = b"".join([piece async for piece in answer.aiter_raw()])
    assert (answer.status_code, answer.headers.get("content-encoding"), len(body)) == (200, coding, size)
    head = await plain.head("/app/assets/b.js", headers={"Accept-Encoding": accept})
    for found in (answer, head):
        assert found.headers["content-type"].startswith("text/javascript")
        assert found.headers["content-length"] == str(size)
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert found.headers["vary"] == "Accept-Encoding"
    assert (head.content, head.headers.get("content-encoding")) == (b"", coding)


async def test_a_client_may_name_its_codings_in_several_lines(plain: AsyncClient) -> None:
    lines = [("Accept-Encoding", "gzip;q=0.5"), ("Accept-Encoding", "br")]
    assert (await plain.head("/app/assets/b.js", headers=lines)).headers["content-encoding"] == "br"
    lines = [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")]
    assert (await plain.head("/openapi.json", headers=lines)).headers["content-encoding"] == "gzip"


async def test_a_file_that_was_not_compressed_comes_as_it_is(plain: AsyncClient) -> None:
    answer = await plain.get("/app/assets/a.js", headers={"Accept-Encoding": "br, gzip"})
    assert (answer.text, answer.headers["vary"]) == ("//", "Accept-Encoding")
    assert "content-encoding" not in answer.headers


async def test_each_coding_is_validated_by_itself(plain: AsyncClient) -> None:
    tags = {
        accept: (await plain.head("/app/assets/b.js", headers={"Accept-Encoding": accept})).headers["etag"]
        for accept in ("br", "gzip", "identity")
    }
    assert len(set(tags.values())) == 3
    for accept, own in tags.items():
        for known in tags.values():
            headers = {"Accept-Encoding": accept, "If-None-Match": known}
            answer = await plain.head("/app/assets/b.js", headers=headers)
            assert answer.status_code == (304 if known == own else 200)
            assert answer.headers["etag"] == own
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers["cache-control"].endswith("immutable")


async def test_a_part_is_a_part_of_what_would_have_come(plain: AsyncClient) -> None:
    first = await plain.get("/app/assets/b.js", headers={"Accept-Encoding": "identity", "Range": "bytes=0-5"})
    assert (first.status_code, first.text) == (206, SCRIPT[:6])
    headers = {"Accept-Encoding": "br", "Range": "bytes=3-6"}
    async with plain.stream("GET", "/app/assets/b.js", headers=headers) as answer:
        body = b"".join([piece async for piece in answer.aiter_raw()])
    assert (answer.status_code, answer.headers["content-encoding"], body) == (206, "br", BROTLI[3:7])
    # Of another coding it is no part: everything comes anew.
    headers["If-Range"] = first.headers["etag"]
    async with plain.stream("GET", "/app/assets/b.js", headers=headers) as answer:
        assert answer.status_code == 200


async def test_an_asset_of_another_version_is_a_problem_that_nobody_keeps(plain: AsyncClient) -> None:
    for method, accept in (("GET", "*/*"), ("HEAD", "*/*"), ("GET", "text/html")):
        headers = {"Accept-Encoding": "br", "Accept": accept}
        answer = await plain.request(method, "/app/assets/gone.js", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.headers["cache-control"] == "no-store"


async def test_the_page_is_asked_for_again_and_sent_only_if_it_changed(plain: AsyncClient, built: Path) -> None:
    first = await plain.get("/app/acme")
    tag = first.headers["etag"]
    assert tag.startswith('W/"'), "compressed or not, it is the same page"
    for known in (tag, f'"older", {tag}', tag.removeprefix("W/"), "*"):
        again = await plain.get("/app/acme", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "no-cache")
        assert again.headers["vary"] == first.headers["vary"] == "Accept-Encoding"
    (built / "index.html").write_text(INDEX + "<p>New")
    changed = await plain.get("/app/acme", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.text) == (200, first.text + "<p>New")
    assert changed.headers["etag"] != tag


@pytest.mark.parametrize(
    "path", ["..%2fsecret.txt", "%2e%2e/secret.txt", "assets/..%2f..%2fsecret.txt", "a%00.b", "x" * 300 + ".b"]
)
async def test_nothing_else_can_be_read(plain: AsyncClient, path: str) -> None:
    answer = await plain.get(f"/app/{path}")
    assert answer.status_code in {200, 404}
    assert "secret" not in answer.text


async def test_an_app_that_is_not_built_says_so(tmp_path: Path, built: Path) -> None:
    shutil.rmtree(built)
    async with serving(make_settings(tmp_path / "data")) as app:
        person = (await new_room(app)).guest()
        for address in ("/app/", "/app/acme", "/app/assets/a.js", "/app/favicon.svg"):
            assert "not built" in (await person.get(address)).text


@pytest.mark.parametrize("left", ["/qa", ""], ids=["a proxy that leaves the prefix", "a proxy that strips it"])
async def test_everything_works_below_a_prefix(prefixed: Room, left: str) -> None:
    person = prefixed.guest()
    assert (await person.get(f"{left}/")).headers["location"] == "/qa/app/"
    assert (await person.get(f"{left}/app")).headers["location"] == "/qa/app/"
    assert 'content="/qa"' in (await person.get(f"{left}/app/acme")).text
    assert (await person.get(f"{left}/app/assets/a.js")).text == "//"
    assert "/qa/openapi.json" in (await person.get(f"{left}/docs")).text
    assert (await person.get(f"{left}/docs/assets/swagger-ui.css")).status_code == 200
    assert (await person.get(f"{left}/openapi.json")).json()["servers"] == [{"url": "/qa"}]
    asked = await person.post(f"{left}/questions", json={"body": "Why?"})
    assert asked.status_code == 201
    assert "Path=/qa;" in asked.headers["set-cookie"]
    assert (await person.get(f"{left}/questions/{asked.json()['id']}")).status_code == 200
    assert (await person.get(f"{left}/health")).json()["ok"]


async def test_links_to_the_next_page_survive_either_proxy(prefixed: Room) -> None:
    for _ in range(2):
        await prefixed.ask()
    answer = await prefixed.guest().get("/qa/questions", params={"limit": 1})
    assert str(answer.url.join(answer.links["next"]["url"])).startswith("http://pulsestage.test/qa/questions?")


async def test_the_bare_prefix_leads_home(prefixed: Room) -> None:
    answer = await prefixed.guest().get("/qa")
    assert (answer.status_code, answer.headers["location"]) == (307, "/qa/app/")


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    "address, leads_to",
    [
        ("/acme", "/app/acme"),
        ("/ACME", "/app/ACME"),
        ("/acme/x", "/app/acme/x"),
        ("/APP/ACME", "/app/ACME"),
        ("//evil.example/x", "/app/evil.example/x"),
        ("/a%0d%0ab%3f?c", "/app/a%0D%0Ab%3F"),
        ("/docs/none", "/app/docs/none"),
        ("/questions/none", "/app/questions/none"),
        ("/tags/none", "/app/tags/none"),
    ],
)
async def test_a_person_at_no_address_is_led_to_the_page_and_a_program_gets_a_problem(
    plain: AsyncClient, address: str, leads_to: str
) -> None:
    person = await plain.get(f"http://pulsestage.test{address}", headers=BROWSER)
    assert (person.status_code, person.headers["location"]) == (307, leads_to)
    assert "Accept" in person.headers["vary"]
    for accepted in ("*/*", "application/json"):
        program = await plain.get(f"http://pulsestage.test{address}", headers={"Accept": accepted})
        assert_problem(program, *(405, "method_not_allowed") if "/tags/" in address else (404, "not_found"))
        assert "Accept" in program.headers["vary"]
    assert_problem(await plain.post("/acme", headers=BROWSER), 404, "not_found")


async def test_a_long_address_leads_nowhere(plain: AsyncClient) -> None:
    assert (await plain.get("/" + "a" * 255, headers=BROWSER)).headers["location"] == "/app/" + "a" * 255
    assert_problem(await plain.get("/" + "a" * 256, headers=BROWSER), 404, "not_found")


async def test_a_browser_at_a_missing_file_of_the_page_is_led_nowhere(plain: AsyncClient) -> None:
    answer = await plain.get("/app/assets/none.js", headers=BROWSER, follow_redirects=True)
    assert (answer.status_code, answer.history) == (404, [])


async def test_below_a_prefix_a_person_is_led_to_the_page_there(prefixed: Room) -> None:
    for address in ("/qa/acme", "/acme"):
        answer = await prefixed.guest().get(address, headers=BROWSER)
        assert answer.headers["location"] == "/qa/app/acme"


PREFIXES = ["/app", "/questions", "/docs", "/tags", "/sse", "/app/qa", "/events/qa"]


@pytest.mark.parametrize("strips", [True, False], ids=["a proxy that strips it", "a proxy that leaves it"])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_a_prefix_may_be_an_address_of_the_server_too(
    tmp_path: Path, built: Path, prefix: str, *, strips: bool
) -> None:
    async with serving(make_settings(tmp_path / "data", root_path=prefix)) as app:
        person = (await new_room(app)).guest()

        def through_the_proxy(address: str) -> str:
            """What the server is asked when a browser asks for this address."""
            return address.removeprefix(prefix) if strips else address

        async def get(address: str) -> Response:
            return await person.get(through_the_proxy(prefix + address))

        asked = await person.post(through_the_proxy(f"{prefix}/questions"), json={"body": "Why?"})
        assert asked.status_code == 201, asked.text
        assert (await get(f"/questions/{asked.json()['id']}")).json()["body"] == "Why?"
        assert len((await get("/questions")).json()) == 1
        assert len((await get("/questions/search?q=why")).json()) == 1
        assert (await get("/tags")).json() == []
        assert (await get("/health/ready")).json()["ok"]
        assert (await get("/tenants/current")).json()["name"] == "A room"
        assert (await person.head(through_the_proxy(f"{prefix}/sse"))).status_code == 200
        assert f'content="{prefix}"' in (await get("/app/")).text
        assert f'content="{prefix}"' in (await get("/app/acme")).text
        assert (await get("/app/assets/a.js")).text == "//"
        assert f"{prefix}/openapi.json" in (await get("/docs")).text
        assert (await get("/docs/assets/swagger-ui.css")).status_code == 200
        assert (await get("/openapi.json")).json()["servers"] == [{"url": prefix}]
        lost = await person.get(through_the_proxy(f"{prefix}/none"), headers=BROWSER)
        if not (prefix.startswith("/app") and not strips):  # there this is the page, which corrects it
            assert lost.headers["location"] == f"{prefix}/app/none"
            home = await get("/")
            assert home.headers["location"] == f"{prefix}/app/"


async def test_what_only_looks_like_the_prefix_is_not_it(prefixed: Room) -> None:
    assert_problem(await prefixed.guest().get("/qanda"), 404, "not_found")
