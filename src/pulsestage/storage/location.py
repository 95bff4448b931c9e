"""Where the database is: a file, or a PostgreSQL server, from a URL as libpq and providers write it.

Messages name parameters and never quote values: any part of a URL may be a piece of a password that was not encoded.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMES: Final = ("postgresql", "postgres", "postgresql+asyncpg")

_PARTS: Final = re.compile(r"(?P<authority>[^/?#]*)(?:/(?P<path>[^?#]*))?(?:\?(?P<query>[^#]*))?", re.DOTALL)
_HOST: Final = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d{0,5}))?")
_PARAMETER: Final = re.compile(r"[a-z][a-z0-9_]*")

_VERIFYING: Final = ("verify-ca", "verify-full")
_TLS_VERSIONS: Final = ("TLSv1.2", "TLSv1.3")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "sslmode": ("disable", "allow", "prefer", "require", *_VERIFYING),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer"),  # neither asks for what can't be had
    "pgbouncer": ("true", "false"),
}
_TLS: Final = (
    "sslmode",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "sslcrl",
    "sslpassword",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
)
_FILES: Final = ("sslcert", "sslkey", "sslrootcert", "sslcrl", "passfile")
_SERVER_SETTINGS: Final = ("application_name", "options")
_ENDPOINT: Final = ("host", "port", "user", "password", "dbname")
_KNOWN: Final = frozenset({*_CHOICES, *_TLS, *_FILES, *_SERVER_SETTINGS, *_ENDPOINT, "connect_timeout"})


class InvalidDatabaseUrl(ValueError):
    """This URL names no database that can be opened. The message is for the operator and has no password in it."""


_UNREADABLE: Final = (
    "The database's URL can't be read. Special characters in its user and password must be percent-encoded:"
    " @ is %40, / is %2F, ? is %3F, # is %23, : is %3A, % is %25."
)


@dataclass(frozen=True)
class SqliteFile:
    """A database in a file."""

    path: Path

    @property
    def name(self) -> str:
        """For people: the whole path."""
        return str(self.path.absolute())


@dataclass(frozen=True)
class PostgresServer:
    """A database of a PostgreSQL server."""

    options: Mapping[str, Any] = field(repr=False)
    """Arguments of `asyncpg.connect`, the password among them."""
    is_pooled: bool = False
    """Whether the URL says that a pooler is in between."""

    @property
    def place(self) -> str:
        """For people: host and port."""
        hosts, ports = self.options.get("host", ["localhost"]), self.options.get("port", [5432])
        return ",".join(
            host if host.startswith("/") else f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            for host, port in zip(hosts, ports, strict=True)
        )

    @property
    def name(self) -> str:
        """For people: host, port and database, without user and password."""
        return f"{self.place}/{self.options.get('database', '')}"


Location: TypeAlias = SqliteFile | PostgresServer


def locate(url: str) -> Location:
    """The database that a URL names. Raises InvalidDatabaseUrl."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return _file(rest)
    if scheme in SCHEMES:
        return _server(rest)
    begins = f"; it begins with {scheme}" if re.fullmatch(r"[a-z0-9+]+", scheme) and rest else ""
    raise InvalidDatabaseUrl(f"The database's URL must begin with sqlite:/// or postgresql://{begins}.")


def _file(rest: str) -> SqliteFile:
    path = rest.removeprefix("/")
    if path in {"", ":memory:", rest}:
        raise InvalidDatabaseUrl("The database's URL must name a file: sqlite:///path.")
    if "?" in path:
        raise InvalidDatabaseUrl(
            "A database's URL with sqlite:/// takes no parameters. For a folder with ? in its name set the data"
            " directory instead."
        )
    return SqliteFile(Path(path).expanduser())


def _server(rest: str) -> PostgresServer:
    parts = _PARTS.fullmatch(rest)
    if parts is None:
        raise InvalidDatabaseUrl(_UNREADABLE)
    # The last @: one that was not encoded belongs to the password, as no host has any.
    credentials, _, hosts = parts["authority"].rpartition("@")
    user, _, password = credentials.partition(":")
    given = _parameters(parts["query"] or "")
    path = parts["path"] or ""
    if "@" in path or ("@" in rest and not credentials and not {"user", "password"} & given.keys()):
        raise InvalidDatabaseUrl(_UNREADABLE)  # a / or ? of the password was taken for its end
    _check(given)
    options: dict[str, Any] = {
        "user": unquote(user) or given.get("user"),
        "password": unquote(password) or given.get("password"),
        "database": unquote(path) or given.get("dbname"),
        "passfile": given.get("passfile"),
        "target_session_attrs": given.get("target_session_attrs"),
        **_hosts(unquote(hosts) or given.get("host", ""), given.get("port", "")),
        **_tls(given),
    }
    if float(given.get("connect_timeout", 0)) > 0:
        options["timeout"] = float(given["connect_timeout"])
    settings = {name: given[name] for name in _SERVER_SETTINGS if name in given}
    options["server_settings"] = {"application_name": "pulsestage", **settings}
    stated = {name: value for name, value in options.items() if value is not None}
    return PostgresServer(stated, is_pooled=given.get("pgbouncer") == "true")


def _parameters(query: str) -> dict[str, str]:
    """Of those that come twice the last, and all of the hosts. As in libpq, + is no space."""
    given: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not _PARAMETER.fullmatch(name) or not equals:
            raise InvalidDatabaseUrl(_UNREADABLE)
        name = {"ssl": "sslmode", "database": "dbname"}.get(name, name)
        value = unquote(value)
        given[name] = f"{given[name]},{value}" if name == "host" and name in given else value
    if given.get("sslmode") in {"true", "1"}:  # as JDBC and others write `ssl`
        given["sslmode"] = "require"
    return given


def _check(given: Mapping[str, str]) -> None:
    if unknown := sorted(given.keys() - _KNOWN):
        raise InvalidDatabaseUrl(
            f"The database's URL has the parameter {unknown[0]}, which is not supported. Remove it; these are:"
            f" {', '.join(sorted(_KNOWN))}."
        )
    for name, choices in _CHOICES.items():
        if given.get(name, choices[0]) not in choices:
            raise InvalidDatabaseUrl(f"{name} in the database's URL must be one of {', '.join(choices)}.")
    if not re.fullmatch(r"-?\d{1,9}", given.get("connect_timeout", "0")):
        raise InvalidDatabaseUrl("connect_timeout in the database's URL must be a number of seconds.")
    for name in _FILES:
        if name in given and given[name] != "system" and not Path(given[name]).is_file():
            raise InvalidDatabaseUrl(f"{name} in the database's URL names no file that can be read.")


def _hosts(hosts: str, ports: str) -> dict[str, list[Any]]:
    if not hosts and not ports:
        return {}  # asyncpg looks where libpq would
    hosts = hosts or "localhost"
    matches = [_HOST.fullmatch(each) for each in hosts.split(",")]
    numbers = ports.split(",") if ports else []
    found = [match for match in matches if match and (match["ipv6"] or match["name"])]
    if len(found) < len(matches) or len(numbers) not in {0, 1, len(found)}:
        raise InvalidDatabaseUrl(_UNREADABLE)
    numbers = numbers * (len(found) // len(numbers)) if numbers else [match["port"] or "5432" for match in found]
    return {"host": [match["ipv6"] or match["name"] for match in found], "port": [_port(number) for number in numbers]}


def _port(number: str) -> int:
    if not number.isdecimal() or not 0 < int(number) < 1 << 16:
        raise InvalidDatabaseUrl(_UNREADABLE)
    return int(number)


def _tls(given: Mapping[str, str]) -> dict[str, Any]:
    """TLS as libpq's parameters have it. asyncpg reads files anew for each connection, so that they can be replaced."""
    chosen = {name: given[name] for name in _TLS if name in given}
    if given.get("channel_binding") == "require" and chosen.get("sslmode") not in _VERIFYING:
        # What the driver can't do is there to make sure who the server is; so does its certificate.
        chosen = {"sslrootcert": "system", **chosen, "sslmode": "verify-full"}
    if chosen.get("sslrootcert") != "system":
        return {"dsn": f"postgresql://?{urlencode(chosen)}"} if chosen else {}
    if chosen.setdefault("sslmode", "verify-full") != "verify-full":
        raise InvalidDatabaseUrl("sslrootcert=system in the database's URL needs sslmode=verify-full.")
    context = ssl.create_default_context()
    if "sslcert" in chosen:
        context.load_cert_chain(chosen["sslcert"], chosen.get("sslkey"), lambda: chosen.get("sslpassword", ""))
    return {"ssl": context, "direct_tls": True if chosen.get("sslnegotiation") == "direct" else None}
