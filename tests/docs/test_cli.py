from collections.abc import Iterator
from typing import Any

import typer.main

from pulsestage.cli import app
from tests.docs.documents import code_in, read, rows, section

TEXT = read("docs/cli.md")


def test_every_command_is_documented_and_no_other() -> None:
    headings = [line[4:-1] for line in TEXT.splitlines() if line.startswith("## `")]
    assert sorted(headings) == sorted(name for name, _ in commands())


def test_every_option_is_documented_and_no_other() -> None:
    for name, command in commands():
        documented = {code_in(row[0])[0] for row in rows(section(TEXT, f"## `{name}`"))} - {"--help"}
        assert documented == {spelling(option) for option in command.params} - {"--help"}, name


def test_defaults_are_as_documented() -> None:
    for name, command in commands():
        documented = {code_in(row[0])[0]: row[1] for row in rows(section(TEXT, f"## `{name}`"))}
        for option in command.params:
            if option.required:
                assert documented[spelling(option)] == "required", name
            elif option.default is not None and not isinstance(option.default, bool):
                assert documented[spelling(option)] == f"`{option.default}`", name


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be called, and the program itself, with their full names."""
    yield from below("pulsestage", typer.main.get_command(app))


def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if not children or name == "pulsestage":
        yield name, command
    for child, its in children.items():
        yield from below(f"{name} {child}", its)


def spelling(option: Any) -> str:
    """`--name`, or `SLUG` for an argument."""
    return str(option.opts[0]) if option.param_type_name == "option" else str(option.name).upper()
