"""Which Redis (or Valkey) a URL means: one server, the master that sentinels know, or any node of a cluster."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, parse_url

from pulsestage.cluster.trouble import InvalidRelayUrl

CLIENT_SECONDS: Final = 0.5
"""How long a client waits for a connection, and for an answer."""

_MANY: Final = re.compile(r"(rediss?)\+(sentinel|cluster)")
_DEFAULT_PORTS: Final = {"sentinel": 26379, "cluster": 6379}
_CREDENTIALS: Final = ("username", "password")

Address: TypeAlias = tuple[str, int]
Options: TypeAlias = dict[str, Any]
"""What redis-py's connections take."""


@dataclass(frozen=True)
class RedisServers:
    """What a URL says."""

    kind: Literal["server", "sentinel", "cluster"]
    connection_class: type[AbstractConnection]
    options: Options
    """Of a connection to a server that holds data."""
    addresses: tuple[Address, ...] = ()
    """Of the sentinels, or of some nodes of the cluster; of one server they are among the options."""
    service: str = ""
    """What the sentinels call the master."""
    sentinel_options: Options | None = None

    @property
    def name(self) -> str:
        """For people: where they are, without user and password."""
        if self.kind == "server":
            path: str | None = self.options.get("path")
            return path or named((self.options.get("host", "localhost"), self.options.get("port", 6379)))
        return ",".join(map(named, self.addresses)) + (f"/{self.service}" if self.service else "")


def named(address: Address) -> str:
    """As one writes it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_redis_url(url: str) -> RedisServers:
    """Raises InvalidRelayUrl."""
    try:
        parts = urlsplit(url)
        many = _MANY.fullmatch(parts.scheme)
        servers = _several(parts, many[1], many[2]) if many else _one(url)
        for options in (servers.options, servers.sentinel_options or {}):
            servers.connection_class(**options)  # refuses what it doesn't know
    except InvalidRelayUrl:
        raise
    except (ValueError, TypeError, OSError):
        # The reason may quote what was taken for a port, and is half a password.
        raise InvalidRelayUrl(
            "The relay's URL can't be read. Are special characters of its password percent-encoded, its options known?"
        ) from None
    return servers


def _one(url: str) -> RedisServers:
    options: Options = {**parse_url(url)}
    if not (options.get("host") or options.get("path")):
        raise ValueError("nowhere")
    return RedisServers("server", options.pop("connection_class", Connection), options)


def _several(parts: SplitResult, scheme: str, kind: str) -> RedisServers:
    user, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if kind == "sentinel" and not service:
        raise InvalidRelayUrl("The relay's URL must end with what the sentinels call the master, such as /mymaster.")
    each = [_one(f"{scheme}://{user}{at}{host}/{database}?{parts.query}") for host in hosts.split(",")]
    addresses = tuple((one.options.pop("host"), one.options.pop("port", _DEFAULT_PORTS[kind])) for one in each)
    connection_class, options = each[0].connection_class, each[0].options
    own = {name: options.pop(f"sentinel_{name}") for name in _CREDENTIALS if f"sentinel_{name}" in options}
    if kind == "cluster":
        return RedisServers("cluster", connection_class, options, addresses)
    shared = {name: value for name, value in options.items() if name not in {*_CREDENTIALS, "db"}}
    return RedisServers("sentinel", connection_class, options, addresses, service, {**shared, **own})


@asynccontextmanager
async def redis_client(url: str) -> AsyncIterator[Redis | RedisCluster]:
    """A client for the same URLs, which rather fails than waits. Raises InvalidRelayUrl."""
    servers = parse_redis_url(url)
    patience: Options = {"socket_timeout": CLIENT_SECONDS, "socket_connect_timeout": CLIENT_SECONDS}
    async with AsyncExitStack() as stack:
        client = _client(url, servers, patience, stack)
        stack.push_async_callback(client.aclose)
        yield client


def _client(url: str, servers: RedisServers, patience: Options, stack: AsyncExitStack) -> Redis | RedisCluster:
    if servers.kind == "server":
        return Redis.from_url(url, **patience)
    if issubclass(servers.connection_class, SSLConnection):
        patience["ssl"] = True
    options = {**servers.options, **patience}
    if servers.kind == "cluster":
        return RedisCluster(startup_nodes=[ClusterNode(*address) for address in servers.addresses], **options)
    asking = {**(servers.sentinel_options or {}), **patience}
    sentinels = Sentinel(servers.addresses, sentinel_kwargs=asking, **options)  # type: ignore[no-untyped-call]
    for sentinel in sentinels.sentinels:  # whom nobody else would hang up
        stack.push_async_callback(sentinel.aclose)
    master: Redis = sentinels.master_for(servers.service)
    return master
