from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

import pytest

import pulsestage
from pulsestage.cli.admin import RoleName
from pulsestage.domain.policy import Role

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call


def test_version(call: Call) -> None:
    assert call("--version").out == f"pulsestage {pulsestage.__version__}\n"


@pytest.mark.parametrize("command", ["serve", "demo", "tail", "link", "tenant", "db"])
def test_help_names_every_command(call: Call, command: str) -> None:
    assert command in call("--help").out
    assert call(command, "--help").code == 0


@pytest.mark.parametrize("name", ["100%41", "was?x=1", "with space", "a#b", "Zoë ☃"])
def test_the_database_is_where_the_data_directory_is(call: Call, tmp_path: Path, name: str) -> None:
    call("tenant", "create", "acme", "--name", "ACME", PULSESTAGE_DATA_DIR=str(tmp_path / name))
    assert (tmp_path / name / "pulsestage.db").stat().st_size > 0
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_the_schema_is_brought_up_to_date(call: Call, database_url: str) -> None:
    here = ("--database-url", database_url)
    if database_url.startswith("postgresql"):  # where there is one before its first use
        assert json.loads(call("db", "current", "--json", *here).out)["current"] is None
        assert "nothing yet" in call("db", "current", *here).out
    assert "from empty to" in call("db", "upgrade", *here).out
    assert "already" in call("db", "upgrade", *here).out
    assert "already" in call("db", "upgrade", "--finish", *here).out
    after = json.loads(call("db", "current", "--json", *here).out)
    assert after["current"] == after["needed"]
    assert (after["upToDate"], after["tolerated"], after["unfinished"]) == (True, True, [])


def test_tenants(call: Call) -> None:
    assert "http://127.0.0.1:7717/app/acme" in call("tenant", "create", "acme", "--name", "Acme [all]").out
    assert "Acme [all]" in call("tenant", "list").out
    listed = json.loads(call("tenant", "list", "--json").out)
    assert [(each["slug"], each["name"]) for each in listed] == [("acme", "Acme [all]"), ("default", "Main room")]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("tenant", "create", "default"), "Slug taken."),
        (("tenant", "create", "No Slug"), "slug: use 1 to 63 small letters"),
        (("link", "--tenant", "nope"), "There is no tenant 'nope'"),
    ],
)
def test_what_can_not_be_done_is_one_sentence(call: Call, arguments: tuple[str, ...], sentence: str) -> None:
    call("tenant", "create", "acme")
    called = call(*arguments)
    assert called.code == 1
    assert called.err.startswith(f"Error: {sentence}")
    assert called.err.count("\n") == 1


def test_a_link_is_all_that_is_printed(call: Call) -> None:
    call("tenant", "create", "acme")
    printed = call("link", "--tenant", "default", PULSESTAGE_PUBLIC_URL="https://ask.example/qa/").out
    assert printed.startswith("https://ask.example/qa/app/default#signin=")
    assert printed.count("\n") == 1
    made = json.loads(call("link", "--tenant", "default", "--role", "admin", "--json", "--url", "http://here").out)
    assert (made["tenant"], made["role"]) == ("default", "admin")
    assert made["url"].startswith("http://here/app/default#signin=")


def test_names_of_tenants_are_typed_in_any_case(call: Call) -> None:
    assert call("tenant", "create", "Acme").out.startswith("acme is ready: http://127.0.0.1:7717/app/acme\n")
    assert "/app/acme#signin=" in call("link", "--tenant", "ACME").out


def test_what_was_assumed_of_the_address_is_said(call: Call) -> None:
    call("tenant", "create", "acme")
    assumed = call("link", "--tenant", "default", PULSESTAGE_PORT="8000")
    assert assumed.out.startswith("http://127.0.0.1:8000/app/default#")
    assert "taking http://127.0.0.1:8000 for its address" in assumed.err
    assert call("link", "--tenant", "default", "--url", "https://qa.example").err == ""


def test_no_address_is_cut(call: Call) -> None:
    public = "https://questions.and.answers.of.a.company.with.a.long.name.example.org/below/a/path"
    call("tenant", "create", "a-room-with-a-long-name", "--name", "Long name " * 11)
    listed = call("tenant", "list", PULSESTAGE_PUBLIC_URL=public).out
    assert " a-room-with-a-long-name " in listed
    assert f" {public}/app/a-room-with-a-long-name " in listed


def test_an_unknown_role_is_wrong_usage(call: Call) -> None:
    assert call("link", "--tenant", "default", "--role", "king").code == 2


def test_every_role_can_be_chosen() -> None:
    assert get_args(RoleName) == tuple(role.slug for role in Role)
