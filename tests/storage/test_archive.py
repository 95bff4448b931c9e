"""A file of a backup can be read by others, takes its place when it is whole, and is refused if it is damaged."""

import json
import operator
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulsestage.storage import archive, copies
from pulsestage.storage.copies import CopyRefused
from tests.storage.databases import LABEL, Cut, Databases, back_up


async def test_ordinary_tools_read_a_backup(databases: Databases, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    await back_up(await databases.filled("sqlite"), path, secret=b"s" * 32)
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        assert (manifest["format"], manifest["version"]) == (1, "1.2.3")
        [columns] = [each["columns"] for each in manifest["tables"] if each["name"] == "tenants"]
        [row] = [json.loads(line) for line in bundle.read("tenants.jsonl").split(b"\n") if line]
        assert dict(zip(columns, row, strict=True))["slug"] == "acme"
        assert bundle.read("secret.key") == b"s" * 32
    await back_up(await databases.filled("sqlite"), path)
    with archive.opened(path) as again:
        assert again.secret is None


async def test_a_backup_that_fails_leaves_the_older_one(databases: Databases, tmp_path: Path) -> None:
    source, path = await databases.filled("sqlite"), tmp_path / "folder" / "backup"
    path.parent.mkdir()
    path.write_text("the older one")

    def cut(rows: int) -> None:
        raise Cut

    async with copies.snapshot(source) as snapshot:
        with pytest.raises(Cut):
            await archive.write(path, snapshot, LABEL, cut)
    assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [("backup", "the older one")]


async def contents_of(path: Path) -> Any:
    with archive.opened(path) as opened:
        rows = [[rows async for rows in opened.pages(each)] for each in opened.tables]
        return opened.manifest, opened.secret, rows


@pytest.fixture
async def backup(databases: Databases, tmp_path: Path) -> Path:
    path = tmp_path / "backup"
    await back_up(await databases.filled("sqlite"), path)
    return path


def size_of(path: Path) -> int:
    return path.stat().st_size


def versions_of(path: Path, damages: Iterable[Callable[[bytes], bytes]]) -> Iterator[None]:
    """The file with one damage after the other."""
    whole = path.read_bytes()
    for damage in damages:
        path.write_bytes(damage(whole))
        yield


async def test_a_file_that_is_cut_short_is_refused(backup: Path) -> None:
    size = size_of(backup)
    for _ in versions_of(backup, (operator.itemgetter(slice(length)) for length in range(0, size, 11))):
        with pytest.raises(CopyRefused, match="damaged"):
            await contents_of(backup)


async def test_a_byte_that_is_changed_is_noticed_or_means_nothing(backup: Path) -> None:
    size, expected = size_of(backup), await contents_of(backup)

    def changed(place: int) -> Callable[[bytes], bytes]:
        return lambda whole: whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :]

    refused = 0
    for _ in versions_of(backup, map(changed, range(0, size, 5))):
        try:
            assert await contents_of(backup) == expected
        except CopyRefused:
            refused += 1
    assert refused > size / 5 / 2


@pytest.mark.parametrize("change", ["a row more", "a row less", "another format", "no table"])
async def test_a_backup_that_does_not_agree_with_its_manifest_is_refused(backup: Path, change: str) -> None:
    with zipfile.ZipFile(backup) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    match change:
        case "a row more":
            members["votes.jsonl"] *= 2
        case "a row less":
            members["votes.jsonl"] = b""
        case "another format":
            members["manifest.json"] = members["manifest.json"].replace(b'"format": 1', b'"format": 2')
        case _:
            del members["votes.jsonl"]
    with zipfile.ZipFile(backup, "w") as bundle:
        for name, text in members.items():
            bundle.writestr(name, text)
    with pytest.raises(CopyRefused):
        await contents_of(backup)


async def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("PGDMP")
    with zipfile.ZipFile(tmp_path / "zip", "w") as bundle:
        bundle.writestr("hello", "world")
    for name in ("text", "zip"):
        with pytest.raises(CopyRefused, match="damaged, or no backup of PulseStage"):
            await contents_of(tmp_path / name)
