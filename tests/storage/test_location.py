"""URLs of databases: files by their path as it is, servers as providers write them, no password in messages."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import trustme
from sqlalchemy import text

from pulsestage.domain.errors import Unavailable
from pulsestage.storage.database import Database
from pulsestage.storage.location import InvalidDatabaseUrl, PostgresServer, SqliteFile, locate
from tests.servers.pgbouncer import Tls, running_pgbouncer
from tests.servers.postgres import Postgres

PASSWORD = "p@ss:w/rd?1#50%'\" é"


def server(url: str) -> PostgresServer:
    location = locate(url)
    assert isinstance(location, PostgresServer)
    return location


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def options(url: str) -> dict[str, Any]:
    """What is passed to the driver besides what is always."""
    return {name: value for name, value in server(url).options.items() if name != "server_settings"}


# ---- Files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["100%41", "was?x=1", "with space", "a#b", "Zoë ☃", "a&mode=ro", "~", "file:x", "a+b"])
async def test_a_database_is_in_its_folder_whatever_the_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / name / "pulsestage.db"
    database = Database(SqliteFile(file))
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE here (it INTEGER)"))
    await database.close()
    assert file.stat().st_size > 0
    assert _names(tmp_path) == [name]


@pytest.mark.parametrize(
    "url, path",
    [
        ("sqlite:///here.db", "here.db"),
        ("sqlite:////srv/100%41/a b#c.db", "/srv/100%41/a b#c.db"),
        ("sqlite:///./sub/here.db", "sub/here.db"),
        ("sqlite:///~/here.db", str(Path.home() / "here.db")),
    ],
)
def test_the_path_of_a_url_is_taken_as_it_is(url: str, path: str) -> None:
    assert locate(url) == SqliteFile(Path(path))


def test_a_file_is_named_by_its_whole_path() -> None:
    assert locate("sqlite:///here.db").name == str(Path.cwd() / "here.db")


@pytest.mark.parametrize(
    "url, says",
    [
        ("sqlite://", "must name a file"),
        ("sqlite:///", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite://here.db", "must name a file"),
        ("sqlite:///here.db?timeout=20", "takes no parameters"),
        ("mysql://me:hunter2@there/it", "it begins with mysql."),
        ("hunter2", "must begin with sqlite:/// or postgresql://."),
        ("hunter2://", "must begin with sqlite:/// or postgresql://."),
        ("", "must begin with sqlite:/// or postgresql://."),
    ],
)
def test_what_names_no_database_is_refused(url: str, says: str) -> None:
    with pytest.raises(InvalidDatabaseUrl) as raised:
        locate(url)
    assert says in str(raised.value)
    assert "hunter2" not in str(raised.value)


# ---- Servers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_schemes_of_providers_mean_the_same(scheme: str) -> None:
    assert options(f"{scheme}://me:secret@db.example:6543/it") == {
        "user": "me",
        "password": "secret",
        "host": ["db.example"],
        "port": [6543],
        "database": "it",
    }


@pytest.mark.parametrize(
    "url, expected",
    [
        ("postgresql://me@db.example/it", {"user": "me", "host": ["db.example"], "port": [5432], "database": "it"}),
        ("postgresql://me:a@b@db.example", {"user": "me", "password": "a@b", "host": ["db.example"], "port": [5432]}),
        (
            "postgresql://me:a%40b%2Fc%3F%23%25@[::1]:1/it",
            {"user": "me", "password": "a@b/c?#%", "host": ["::1"], "port": [1], "database": "it"},
        ),
        (
            "postgresql://a:1,b,[::2]:3/it?target_session_attrs=read-write",
            {
                "host": ["a", "b", "::2"],
                "port": [1, 5432, 3],
                "database": "it",
                "target_session_attrs": "read-write",
            },
        ),
        ("postgresql:///it?host=/run/postgresql", {"host": ["/run/postgresql"], "port": [5432], "database": "it"}),
        ("postgresql://%2Frun%2Fpg/it", {"host": ["/run/pg"], "port": [5432], "database": "it"}),
        ("postgresql://?host=a,b&port=1,2&dbname=it", {"host": ["a", "b"], "port": [1, 2], "database": "it"}),
        ("postgresql://?host=a:1&host=b:2", {"host": ["a", "b"], "port": [1, 2]}),
        ("postgresql://?host=a,b&port=7", {"host": ["a", "b"], "port": [7, 7]}),
        ("postgresql://?port=7", {"host": ["localhost"], "port": [7]}),
        (
            "postgresql://?user=me&password=a@b+c",
            {"user": "me", "password": "a@b+c"},
        ),
        ("postgresql://a?connect_timeout=10", {"host": ["a"], "port": [5432], "timeout": 10}),
        ("postgresql://a?connect_timeout=0", {"host": ["a"], "port": [5432]}),
        (
            "postgresql://a?sslmode=require",
            {"host": ["a"], "port": [5432], "dsn": "postgresql://?sslmode=require"},
        ),
        ("postgresql://a?ssl=true", {"host": ["a"], "port": [5432], "dsn": "postgresql://?sslmode=require"}),
        ("postgresql://a?gssencmode=prefer&channel_binding=prefer", {"host": ["a"], "port": [5432]}),
    ],
)
def test_what_a_url_says_is_what_the_driver_is_told(url: str, expected: dict[str, Any]) -> None:
    assert options(url) == expected


@pytest.mark.parametrize(
    "url, name",
    [
        ("postgres://u:p@ec2-1.compute-1.amazonaws.example:5432/d4", "ec2-1.compute-1.amazonaws.example:5432/d4"),
        (
            "postgresql://u:p@ep-x-pooler.eu.neon.example/neondb?sslmode=require&channel_binding=require",
            "ep-x-pooler.eu.neon.example:5432/neondb",
        ),
        (
            "postgresql://postgres.ref:p@aws-0.pooler.supabase.example:6543/postgres?pgbouncer=true",
            "aws-0.pooler.supabase.example:6543/postgres",
        ),
        (
            "postgres://avnadmin:p@pg-x.aiven.example:12345/defaultdb?sslmode=require&application_name=qa",
            "pg-x.aiven.example:12345/defaultdb",
        ),
        (
            "postgresql://user%40server:p@server.azure.example:5432/postgres?sslmode=verify-full&sslrootcert=system",
            "server.azure.example:5432/postgres",
        ),
    ],
)
def test_urls_as_providers_show_them(url: str, name: str) -> None:
    assert server(url).name == name


def test_settings_of_the_session_are_passed_on() -> None:
    given = "postgresql://a?application_name=qa%20one&options=-c%20search_path%3Dqa"
    assert server(given).options["server_settings"] == {"application_name": "qa one", "options": "-c search_path=qa"}
    assert server("postgresql://a").options["server_settings"] == {"application_name": "pulsestage"}


def test_a_url_may_say_that_there_is_a_pooler() -> None:
    assert server("postgres://a?pgbouncer=true").is_pooled
    assert not server("postgres://a").is_pooled


@pytest.mark.parametrize("mode", ["", "&sslmode=require", "&sslmode=verify-full&sslrootcert=system"])
def test_where_channel_binding_is_required_the_certificate_is_verified(mode: str) -> None:
    context = options(f"postgresql://a?channel_binding=require{mode}")["ssl"]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_files_are_passed_on_for_each_connection_to_read(tmp_path: Path) -> None:
    for name in ("root.pem", "c.pem", "k.pem"):
        (tmp_path / name).touch()
    url = f"postgres://a?sslmode=verify-ca&sslrootcert={tmp_path}/root.pem&sslcert={tmp_path}/c.pem&sslkey={tmp_path}/k.pem"
    files = {"sslcert": "c.pem", "sslkey": "k.pem", "sslrootcert": "root.pem"}
    encoded = "&".join(f"{name}={quote(str(tmp_path / file), safe='')}" for name, file in files.items())
    assert options(url)["dsn"] == f"postgresql://?sslmode=verify-ca&{encoded}"


@pytest.mark.parametrize(
    "url, says",
    [
        ("postgres://me:hunter2@a?pool_timeout=10", "the parameter pool_timeout, which is not supported"),
        ("postgres://me:hunter2@a?sslmode=hunter2", "sslmode in the database's URL must be one of disable, allow"),
        ("postgres://me:hunter2@a?target_session_attrs=hunter2", "must be one of any, read-write"),
        ("postgres://me:hunter2@a?gssencmode=require", "must be one of disable, prefer"),
        ("postgres://me:hunter2@a?connect_timeout=hunter2", "must be a number of seconds"),
        ("postgres://me:hunter2@a?sslrootcert=/hunter2", "sslrootcert in the database's URL names no file"),
        ("postgres://me:hunter2@a?sslrootcert=system&sslmode=require", "needs sslmode=verify-full"),
        ("postgres://me:hunter2@a:port/it", "@ is %40"),
        ("postgres://me:hunter2@a:70000/it", "@ is %40"),
        ("postgres://me:hunter2@a,,b/it", "@ is %40"),
        ("postgres://me:hunter2@a,b/it?port=1,2,3", "@ is %40"),
        # Special characters of a password that end it too early:
        ("postgres://me:hun/ter2@a/it", "/ is %2F"),
        ("postgres://me:hun@t/er2@a/it", "/ is %2F"),
        ("postgres://me:hun?ter2@a/it", "? is %3F"),
        ("postgres://me:hun?hunter=2@a/it", "? is %3F"),
        ("postgres://me:hun#ter2@a/it", "# is %23"),
        ("postgres://me:hun[ter2/@a/it", "/ is %2F"),
    ],
)
def test_what_can_not_be_understood_is_named_without_its_value(url: str, says: str) -> None:
    with pytest.raises(InvalidDatabaseUrl) as raised:
        locate(url)
    assert says in str(raised.value)
    for secret in ("hunter", "ter2", "er2"):
        assert secret not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "url, name",
    [
        ("postgres://me:hunter2@db.example/it", "db.example:5432/it"),
        ("postgres://me:hunter2@a:1,[::1]:2/it", "a:1,[::1]:2/it"),
        ("postgres://me:hunter2@/it?host=/run/pg", "/run/pg/it"),
        ("postgres:///it", "localhost:5432/it"),
    ],
)
def test_its_name_is_host_port_and_database(url: str, name: str) -> None:
    assert server(url).name == name
    assert "hunter2" not in repr(locate(url))


# ---- A real server with TLS ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(authority: trustme.CA, postgres: Postgres) -> Iterator[str]:
    """PostgreSQL that speaks TLS, and lets `people` in with a password and over TLS alone: host and port.

    The one of the tests is built without TLS, so PgBouncer does it.
    """
    tls = Tls(authority.issue_cert("localhost"), "people", PASSWORD)
    with running_pgbouncer(postgres.url, "session", tls) as url:
        yield f"localhost:{urlsplit(url).port}"


@pytest.fixture
def root(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


async def _is_encrypted(url: str) -> bool:
    database = Database(url)
    try:
        async with database.read() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
            driver: Any = await connection.run_sync(lambda plain: plain.connection.driver_connection)
            return driver._transport.get_extra_info("ssl_object") is not None
    finally:
        await database.close()


@pytest.mark.parametrize(
    "mode, encrypted",
    [
        ("", True),
        ("sslmode=disable", False),
        ("sslmode=allow", False),
        ("sslmode=prefer", True),
        ("sslmode=require", True),
        ("sslmode=verify-ca&sslrootcert={root}", True),
        ("sslmode=verify-full&sslrootcert={root}", True),
    ],
)
async def test_tls_is_as_the_url_says(mode: str, *, encrypted: bool, secure: str, root: str) -> None:
    assert await _is_encrypted(f"postgres://postgres@{secure}/postgres?{mode.format(root=root)}") is encrypted


@pytest.mark.parametrize("parameters", ["sslrootcert=system", "sslmode=require&channel_binding=require"])
async def test_the_systems_authorities(
    parameters: str, secure: str, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgres://postgres@{secure}/postgres?{parameters}"
    with pytest.raises(Unavailable, match="is not accepted"):
        await _is_encrypted(url)
    monkeypatch.setenv("SSL_CERT_FILE", root)
    assert await _is_encrypted(url)


async def test_any_password_can_be_written(secure: str) -> None:
    everything = quote(PASSWORD, safe="")
    assert await _is_encrypted(f"postgres://people:{everything}@{secure}/postgres")
    assert await _is_encrypted(f"postgres://people@{secure}/postgres?password={everything}")


@pytest.mark.parametrize(
    "url, reason",
    [
        ("people:hunter2@{secure}/postgres?sslmode=require", "{secure}/postgres says: SASL authentication failed."),
        ("people:hunter2@{secure}/postgres?sslmode=disable", "{secure}/postgres says: login rejected."),
        (
            "postgres:hunter2@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={root}",
            "The certificate of 127.0.0.1:{port}/postgres is not accepted: IP address mismatch",
        ),
        ("me:hunter2@127.0.0.1:1/it", "Connection refused by 127.0.0.1:1/it. Nothing listens there."),
        ("me:hunter2@no.such.host.invalid/it", "The name of no.such.host.invalid:5432/it is not known"),
        ("me:hunter2@/it?host=/nowhere", "There is no socket of a server at /nowhere/it."),
    ],
)
async def test_why_it_can_not_be_reached_is_for_operators_alone(url: str, reason: str, secure: str, root: str) -> None:
    port = secure.partition(":")[2]
    database = Database(f"postgres://{url.format(secure=secure, port=port, root=root)}")
    with pytest.raises(Unavailable) as raised:
        async with database.read():
            pass
    await database.close()
    assert raised.value.message == "The database can't be reached; nothing was changed."
    assert reason.format(secure=secure, port=port, root=root) in raised.value.reason
    assert str(raised.value) == f"{raised.value.message} {raised.value.reason}"
    assert "hunter2" not in str(raised.value)


async def test_a_database_that_is_missing_is_named(postgres: Postgres) -> None:
    database = Database(urlsplit(postgres.url)._replace(path="/none").geturl())
    with pytest.raises(Unavailable) as raised:
        async with database.read():
            pass
    await database.close()
    assert raised.value.reason.endswith('/none says: database "none" does not exist.')


async def test_a_server_without_tls_refuses_who_demands_it() -> None:
    has_ended = asyncio.Event()

    async def no(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"N")
        with suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()  # or the socket is left to whichever test runs next
        has_ended.set()

    async with await asyncio.start_server(no, "127.0.0.1", 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        database = Database(f"postgres://me@127.0.0.1:{port}/it?sslmode=require")
        with pytest.raises(Unavailable) as raised:
            async with database.read():
                pass
        await database.close()
        await asyncio.wait_for(has_ended.wait(), 10)
    assert raised.value.reason == f"127.0.0.1:{port}/it offers no TLS, and its URL demands it."
