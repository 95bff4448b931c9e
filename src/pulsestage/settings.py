"""Every setting, declared once: name, type, default, limits and what it does. `docs/settings.md` lists the same.

Each is read from the environment as `PULSESTAGE_<NAME>`, or from a file named by `PULSESTAGE_<NAME>_FILE` (for
secrets), or from `.env` in the working directory. A variable that looks like one and is none is refused.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

_PREFIX = "PULSESTAGE_"


class Settings(BaseSettings):
    """What an operator may choose. Frozen: a changed setting needs a restart."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on; `::` for every one, `0.0.0.0` for every one of IPv4."""
    port: Annotated[int, Field(ge=0, le=65535)] = 7717
    """Port to listen on; 0 takes a free one."""
    root_path: str = ""
    """Path prefix under which a proxy serves PulseStage, such as `/qa`."""
    public_url: str | None = None
    """Address that people reach the server at, for the links it prints; made from host and port if not set."""
    home_tenant: str = "default"
    """The tenant whose room `/` leads to and `/app/` shows."""

    data_dir: Path = Path(".pulsestage")
    """Where the SQLite file and the generated secret live."""
    database_url: str | None = None
    """`sqlite:///path` or `postgresql://user:password@host/name`; a file in `data_dir` if not set."""
    database_pool: Annotated[int, Field(ge=1, le=1000)] = 10
    """Connections to PostgreSQL; SQLite needs no such number."""
    secret_key: SecretStr | None = None
    """Signs cookies and links and keys the pseudonyms, at least 32 characters; made once in `data_dir` if not set."""

    relay_url: str | None = None
    """How processes over one database tell one another of changes: `redis://…`, `postgres` or `memory`."""
    relay_channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.:-]{0,49}$")] = "pulsestage"
    """The relay's name on its broker; services that share a broker need one each."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that `pulsestage serve` runs on this machine, all on one port."""
    worker_ports: Annotated[int, Field(ge=0, le=65_471)] = 0
    """First of the ports at which each worker can be reached alone, to be scraped, say; 0 for none."""
    census_seconds: Annotated[float, Field(ge=0.1, le=60)] = 3.0
    """Time between two looks at who else serves this database, and how many streams they have."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins, separated by commas, whose pages may use the API with credentials."""
    cookie_same_site: Literal["lax", "strict", "none"] = "lax"
    """`none` lets pages of `cors_origins` on other sites send the cookie; browsers then demand HTTPS."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 65_536
    """Largest request body; a larger one is refused with 413."""

    asks_per_minute: Annotated[int, Field(ge=0)] = 10
    """How many questions one person may ask per minute, half of them at once; 0 for no limit."""
    votes_per_minute: Annotated[int, Field(ge=0)] = 120
    """How many votes one person may give or take back per minute, half of them at once; 0 for no limit."""
    vote_batch_limit: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Most votes committed in one transaction; 1 gives each vote its own."""

    log_keep_events: Annotated[int, Field(ge=0)] = 100_000
    """Events kept per tenant for clients that come back; older ones are pruned."""
    log_keep_hours: Annotated[float, Field(gt=0)] = 72.0
    """Age at which events are pruned even if there are few."""
    prune_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Time between two rounds of pruning, and of indexing texts of older versions; one instance does both."""

    heartbeat_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Time between two heartbeats of a stream."""
    flush_milliseconds: Annotated[float, Field(ge=0, le=1000)] = 15.0
    """How long a busy stream gathers events before it is written to."""
    stall_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 30.0
    """How long a stream may take no bytes before it is closed; one that takes a few goes on, however slow."""
    window_events: Annotated[int, Field(ge=1)] = 2000
    """Newest events per tenant kept in memory."""
    safety_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Time between two looks at the database for events that nobody announced."""
    unheard_safety_seconds: Annotated[float, Field(gt=0)] = 0.5
    """The same while the relay is out, or there is none and other processes serve this database."""
    max_streams: Annotated[int, Field(ge=1)] = 10_000
    """Streams in all; further ones are refused with 503."""
    max_streams_per_tenant: Annotated[int, Field(ge=1)] = 10_000
    """Streams of one tenant; further ones are refused with 503."""
    max_streams_per_address: Annotated[int, Field(ge=1)] = 5_000
    """Streams from one address; a whole venue may sit behind one."""
    max_streams_per_person: Annotated[int, Field(ge=1)] = 50
    """Streams of one person (one cookie); a browser needs one, whatever the number of its tabs."""
    max_joins_per_second: Annotated[int, Field(ge=0)] = 1_000
    """How fast streams of one tenant may begin, five times as many at once; 0 for no limit."""
    max_connections: Annotated[int, Field(ge=10)] = 15_000
    """Connections in all, those that say nothing included; further ones are answered with 503 and closed."""

    tls_certificate: Path | None = None
    """Certificate chain (PEM), to serve HTTPS without a proxy; needs `tls_key`."""
    tls_key: Path | None = None
    """The certificate's private key (PEM, without a password)."""

    log_format: Literal["auto", "json", "console"] = "auto"
    """`auto` is readable on a terminal and JSON elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important messages that are logged; changes and failed requests are `info`, all others `debug`."""
    keep_alive_seconds: Annotated[int, Field(ge=1, le=3600)] = 75
    """How long an idle connection is kept; choose more than the proxy before the server keeps one."""
    drain_seconds: Annotated[float, Field(ge=0)] = 0.0
    """How long a stopping server still takes connections, with readiness off, until load balancers have noticed."""
    shutdown_seconds: Annotated[int, Field(ge=1)] = 10
    """How long a stop may take after draining; what is not answered then is cut off."""

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic passes what it was given
        if isinstance(value, str):
            return tuple(origin.strip().rstrip("/") for origin in value.split(",") if origin.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins_by_name(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            # `*` too: with credentials it would let any page on the internet act as whoever looks at it.
            if not re.fullmatch(r"https?://[^/*?#@\s]+", origin):
                raise ValueError(f"{origin} is no origin; name each one, such as https://slides.example")
        return value

    @field_validator("data_dir", "tls_certificate", "tls_key")
    @classmethod
    def _home_for_tilde(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()  # no shell has done it where a file gives the settings

    @field_validator("root_path")
    @classmethod
    def _one_leading_slash(cls, value: str) -> str:
        path = value.strip("/")
        return f"/{path}" if path else ""

    @field_validator("home_tenant")
    @classmethod
    def _small_letters(cls, value: str) -> str:
        return value.strip().lower()

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:  # noqa: PLR2004 - 256 bits as one writes them
            raise ValueError("use at least 32 characters, such as the output of `openssl rand -hex 32`")
        return value

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together; set both or none")
        return self

    @property
    def url_of_relay(self) -> str:
        """The relay to use."""
        return self.relay_url or ("postgres" if (self.database_url or "").startswith("postgres") else "memory")

    @property
    def base_url(self) -> str:
        """The address to print, without a slash at its end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}{quote(self.root_path)}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours reads the files
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment and files it names, then `.env` likewise. Raises UnknownSetting."""
        sources = [init_settings]
        for source in (env_settings, dotenv_settings):
            sources.append(source)
            if isinstance(source, EnvSettingsSource):
                _refuse_unknown(source.env_vars, settings_cls.model_fields)
                sources.append(_NamedFiles(source))
        return tuple(sources)


class UnknownSetting(SettingsError):
    """A variable looks like a setting and is none, so what it says would be ignored."""


def _refuse_unknown(variables: Iterable[str], fields: Iterable[str]) -> None:
    """Raise UnknownSetting if one of these begins as settings do, and is neither one nor the name of its file."""
    settings = [name.upper() for name in fields]
    known = {*settings, *(f"{name}_FILE" for name in settings)}
    ours = (each.upper().removeprefix(_PREFIX) for each in variables if each.upper().startswith(_PREFIX))
    for name in ours:
        if name not in known and not name.startswith("TEST_"):
            nearest = get_close_matches(name, sorted(known), n=1)
            hint = f"; did you mean {_PREFIX}{nearest[0]}?" if nearest else "."
            raise UnknownSetting(f"There is no setting {_PREFIX}{name}{hint}")


class _NamedFiles(EnvSettingsSource):
    """`PULSESTAGE_SECRET_KEY_FILE=/run/secrets/key` is the file that has the secret."""

    def __init__(self, variables: EnvSettingsSource) -> None:
        super().__init__(variables.settings_cls)
        self.env_vars = variables.env_vars

    def get_field_value(self, _field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The content of the file, without the line end editors add."""
        path = self.env_vars.get(f"{self.env_prefix}{field_name}_file".lower())
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            raise ValueError(f"{self.env_prefix}{field_name.upper()}_FILE: {error}") from error
