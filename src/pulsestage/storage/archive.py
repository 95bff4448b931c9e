"""A copy of a database in one file: a zip with a file of JSON lines for each table, and a manifest.

`manifest.json` names the format, the schema's revision, and of each table its columns, the number of its rows and the
SHA-256 of its lines. A line is a JSON array with the values in the order of the columns. `secret.key` is there if it
was asked for. Ordinary tools can read all of it.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
import tempfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pulsestage.storage.copies import PAGE_ROWS, CopyRefused, TableContents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pulsestage.storage.copies import Progress, Rows, Source

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SECRET: Final = "secret.key"  # noqa: S105 - a name
_COMPRESSION: Final = 1  # ids hardly compress: more effort costs time and wins little

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    msgspec.MsgspecError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What reading a damaged zip can raise."""


class ArchivedTable(TableContents, frozen=True, kw_only=True):
    """What an archive has of one table."""

    sha256: str


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says that the source doesn't know."""

    version: str
    """Of the program that wrote it."""
    created_at: str
    secret_fingerprint: str | None
    """Tells whether a secret is the one that the pseudonyms were made with, and nothing else of it."""


class Manifest(Label, frozen=True, kw_only=True):
    """What an archive says of itself. Members may be added, each with a default."""

    format: int
    revision: str
    tables: tuple[ArchivedTable, ...]


class Archive:
    """An archive that was read through once and found whole; a source of a copy."""

    def __init__(self, bundle: zipfile.ZipFile, manifest: Manifest, secret: bytes | None) -> None:
        self.manifest = manifest
        self.revision = manifest.revision
        self.tables = manifest.tables
        self.secret = secret
        self._bundle = bundle

    async def pages(self, contents: TableContents) -> AsyncIterator[Rows]:
        """The rows of a table."""
        decode = msgspec.json.Decoder(tuple[Any, ...]).decode_lines
        for lines in _pages_of_lines(self._bundle, contents):
            yield decode(b"".join(lines))


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive and check all of it first. Raises CopyRefused and OSError."""
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as bundle:
                manifest = _manifest(path, bundle)
                for each in manifest.tables:
                    _check(bundle, each)
                secret = bundle.read(SECRET) if SECRET in bundle.namelist() else None
        except _DAMAGE as error:
            raise CopyRefused(f"{path} is damaged, or no backup of PulseStage: {error}") from error
        with zipfile.ZipFile(file) as bundle:
            yield Archive(bundle, manifest, secret)


async def write(path: Path, source: Source, label: Label, progress: Progress, *, secret: bytes | None = None) -> None:
    """Write an archive that its owner alone can read. It takes the place of `path` when it is whole and on the disk.

    Raises CopyRefused.
    """
    try:
        with (
            _in_its_place_when_whole(path) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as bundle,
        ):
            tables = tuple([await _write_table(bundle, source, each, progress) for each in source.tables])
            manifest = Manifest(format=FORMAT, revision=source.revision, tables=tables, **msgspec.structs.asdict(label))
            bundle.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
            if secret is not None:
                bundle.writestr(SECRET, secret)
    except (ConnectionError, TimeoutError):
        raise  # of a server that the rows come from
    except OSError as error:
        raise CopyRefused(f"{path} can't be written: {error.strerror or error}.") from error


async def _write_table(
    bundle: zipfile.ZipFile, source: Source, contents: TableContents, progress: Progress
) -> ArchivedTable:
    encode = msgspec.json.Encoder().encode_lines
    checksum, count = hashlib.sha256(), 0
    with bundle.open(_member(contents), "w", force_zip64=True) as member:
        async for rows in source.pages(contents):
            lines = encode([tuple(row) for row in rows])
            checksum.update(lines)
            member.write(lines)
            count += len(rows)
            progress(len(rows))
    return ArchivedTable(name=contents.name, columns=contents.columns, rows=count, sha256=checksum.hexdigest())


def _manifest(path: Path, bundle: zipfile.ZipFile) -> Manifest:
    raw = bundle.read(MANIFEST)
    version = msgspec.json.decode(raw, type=dict[str, Any])["format"]
    if version != FORMAT:
        raise CopyRefused(f"{path} has format {version}; this version reads format {FORMAT}.")
    return msgspec.json.decode(raw, type=Manifest)


def _check(bundle: zipfile.ZipFile, contents: ArchivedTable) -> None:
    checksum, count = hashlib.sha256(), 0
    for lines in _pages_of_lines(bundle, contents):
        count += len(lines)
        for line in lines:
            checksum.update(line)
    if checksum.hexdigest() != contents.sha256 or count != contents.rows:
        raise ValueError(f"the checksum of {contents.name} is wrong")


def _pages_of_lines(bundle: zipfile.ZipFile, contents: TableContents) -> Iterator[list[bytes]]:
    with io.BufferedReader(bundle.open(_member(contents)), 1 << 18) as member:  # type: ignore[type-var] # it is raw enough
        while lines := list(islice(member, PAGE_ROWS)):
            yield lines


def _member(contents: TableContents) -> str:
    return f"{contents.name}.jsonl"


@contextmanager
def _in_its_place_when_whole(path: Path) -> Iterator[io.BufferedWriter]:
    if path.exists() and not path.is_file():
        raise CopyRefused(f"{path} is no file, and a backup would take its place.")
    number, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(number)
        Path(made).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(made).unlink()
        raise
