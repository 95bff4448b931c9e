"""URLs of relays: what they name, and what is said of wrong ones."""

import pytest

from pulsestage.cluster.postgres_relay import PostgresRelay
from pulsestage.cluster.redis_relay import RedisRelay
from pulsestage.cluster.redis_servers import parse_redis_url
from pulsestage.cluster.relays import InvalidRelayUrl, ProcessRelay, make_relay
from pulsestage.storage.location import PostgresServer, locate

POSTGRES = "postgresql+asyncpg://pulsestage:hunter2@db.example/pulsestage"


def _server(url: str) -> PostgresServer | None:
    location = locate(url)
    return location if isinstance(location, PostgresServer) else None


def relay(url: str, database_url: str = "sqlite:///pulsestage.db") -> ProcessRelay:
    return make_relay(url, channel="pulsestage", secret=b"secret", database=_server(database_url))


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example",
        "redis://:hunter2@redis.example:6380/3",
        "rediss://user:hunter2@redis.example/0?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock",
        "unix://user:hunter2@/run/redis.sock?db=1",
        "redis+sentinel://user:hunter2@a:26379,b,c:26381/mymaster/0?sentinel_password=hunter3",
        "rediss+sentinel://a/mymaster",
        "redis+cluster://user:hunter2@a:7000,b:7001",
    ],
)
def test_these_are_relays_through_redis(url: str) -> None:
    made = relay(url)
    assert isinstance(made, RedisRelay)
    assert not made.healthy
    assert made.trouble == "It is not listening."


def test_postgres_is_a_relay_through_the_database() -> None:
    assert isinstance(relay("postgres", POSTGRES), PostgresRelay)


@pytest.mark.parametrize(
    "url, says",
    [
        ("", "`postgres`, `memory`, or a URL"),
        ("memory", "`postgres`, `memory`, or a URL"),
        ("hunter2.example:6379", "`postgres`, `memory`, or a URL"),
        ("amqp://user:hunter2@rabbit.example", "`postgres`, `memory`, or a URL"),
        ("postgres", "needs a database that is PostgreSQL"),
        ("redis://:hunter2/x@redis.example", "can't be read"),
        ("redis://:hunter2@redis.example:port", "can't be read"),
        ("redis://:hunter2@redis.example?hunter2=1", "can't be read"),
        ("redis://:hunter2@redis.example?socket_keepalive=hunter2&port=x&retry_on_timeout=", "can't be read"),
        ("redis+sentinel://:hunter2@a,b", "what the sentinels call the master"),
        ("redis+sentinel://:hunter2@/mymaster", "can't be read"),
        ("redis+cluster://:hunter2@a:7000,", "can't be read"),
        ("unix://", "can't be read"),
        ("redis://", "can't be read"),
    ],
)
def test_these_are_none_and_no_password_is_told(url: str, says: str) -> None:
    with pytest.raises(InvalidRelayUrl, match=says) as raised:
        relay(url)
    assert "hunter" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    "url, name",
    [
        ("redis://user:hunter2@redis.example", "redis.example:6379"),
        ("redis://[::1]:6380", "[::1]:6380"),
        ("unix://user:hunter2@/run/redis.sock", "/run/redis.sock"),
        ("redis+sentinel://user:hunter2@a,b:1/mymaster", "a:26379,b:1/mymaster"),
        ("redis+cluster://user:hunter2@a,b:1", "a:6379,b:1"),
    ],
)
def test_its_name_is_its_address_without_password(url: str, name: str) -> None:
    assert parse_redis_url(url).name == name


def test_the_credentials_are_the_servers_and_not_the_sentinels() -> None:
    servers = parse_redis_url("redis+sentinel://user:hunter2@a/mymaster?sentinel_password=hunter3")
    assert servers.options == {"username": "user", "password": "hunter2"}
    assert servers.sentinel_options == {"password": "hunter3"}
