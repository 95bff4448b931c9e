"""`pulsestage backup`, `restore` and `db copy`: all of a database, into a file, out of one, or into another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import pulsestage
from pulsestage.bootstrap import fingerprint, keep_secret, opened, secret_file, secret_if_made
from pulsestage.cli.databases import database_name, existing
from pulsestage.cli.options import DatabaseUrl, settings_from
from pulsestage.cli.schema import db
from pulsestage.cli.terminal import Failure, err, out, progress, run
from pulsestage.storage import archive, copies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulsestage.settings import Settings
    from pulsestage.storage.archive import Archive
    from pulsestage.storage.copies import TableContents

Replace = Annotated[bool, typer.Option("--replace", help="Delete what is in the database, if there is anything.")]


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; an older one is replaced when this one is whole.")],
    *,
    with_secret: Annotated[
        bool, typer.Option("--with-secret", help="Put the secret into the file too, which then must be kept secret.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Write all of the database to a file, as it is at this moment; the server may go on."""
    run(_backup(settings_from(database_url=database_url), file, with_secret=with_secret))


async def _backup(settings: Settings, file: Path, *, with_secret: bool) -> None:
    secret = secret_if_made(settings)
    if with_secret and secret is None:
        raise Failure(f"There is no secret: no {secret_file(settings)}, and no PULSESTAGE_SECRET_KEY.")
    label = archive.Label(
        version=pulsestage.__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        secret_fingerprint=fingerprint(secret) if secret else None,
    )
    async with existing(settings, upgraded=False) as database, copies.snapshot(database) as snapshot:
        with progress("Writing", snapshot.tables) as tell:
            await archive.write(file, snapshot, label, tell, secret=secret if with_secret else None)
        _say(f"{file} has {_amount(snapshot.tables)} of {database_name(settings)}.")
    if secret and not with_secret:
        _note(f"The secret is not in it; keep a copy of {_place(settings)} as well, or use --with-secret.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `pulsestage backup` has written.")],
    *,
    replace: Replace = False,
    with_secret: Annotated[
        bool, typer.Option("--with-secret", help="Take the secret from the file too, if there is none yet.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring a backup back into an empty database. Stop every instance first; clients begin anew by themselves."""
    run(_restore(settings_from(database_url=database_url), file, replace=replace, with_secret=with_secret))


async def _restore(settings: Settings, file: Path, *, replace: bool, with_secret: bool) -> None:
    with archive.opened(file) as source:
        if with_secret:
            _take_secret(settings, source)
        async with opened(settings, upgraded=False) as database:
            with progress("Restoring", source.tables) as tell:
                await copies.fill(database, source, tell, replace=replace)
    _say(f"{database_name(settings)} has {_amount(source.tables)} of {file}. Clients will begin anew.")
    secret, made_with = secret_if_made(settings), source.manifest.secret_fingerprint
    if made_with and made_with != (fingerprint(secret) if secret else None):
        wrong = "is not the secret" if secret else "is missing: put back the secret"
        _note(
            f"{_place(settings)} {wrong} that the backup was made with. With another one nobody is recognised:"
            " questions are nobody's own, and everybody can vote once more."
        )


def _take_secret(settings: Settings, source: Archive) -> None:
    if source.secret is None:
        raise Failure("The backup has no secret; it was made without --with-secret. Nothing was changed.")
    if secret_if_made(settings) not in {None, source.secret}:
        raise Failure(
            f"{_place(settings)} is another secret than the backup's. Take it away, or leave out --with-secret."
        )
    if settings.secret_key is None:
        keep_secret(settings, source.secret)


@db.command("copy")
def db_copy(
    *,
    to: Annotated[str, typer.Option(help="The database to copy to, such as postgresql://user:password@host/name.")],
    replace: Replace = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Copy all of the database into another, empty one, of either kind. Stop every instance first."""
    run(_copy(settings_from(database_url=database_url), settings_from(database_url=to), replace=replace))


async def _copy(settings: Settings, target: Settings, *, replace: bool) -> None:
    here, there = database_name(settings), database_name(target)
    if here == there:
        raise Failure(f"{here} can't be copied to itself.")
    async with existing(settings, upgraded=False) as source, copies.snapshot(source) as snapshot:
        async with opened(target, upgraded=False) as database:
            with progress("Copying", snapshot.tables) as tell:
                await copies.fill(database, snapshot, tell, replace=replace)
        _say(f"{there} has {_amount(snapshot.tables)} of {here}. Clients will begin anew.")
    _note("The secret stays where it is: the server needs the same one as before.")


def _place(settings: Settings) -> str:
    return "PULSESTAGE_SECRET_KEY" if settings.secret_key else str(secret_file(settings))


def _amount(tables: Sequence[TableContents]) -> str:
    rows = {table.name: table.rows for table in tables}
    return ", ".join(f"{rows[name]:,} {name}" for name in ("tenants", "questions", "votes"))


def _say(sentence: str) -> None:
    out.print(sentence, markup=False, soft_wrap=True)


def _note(sentence: str) -> None:
    err.print(sentence, style="yellow", markup=False, soft_wrap=True)
