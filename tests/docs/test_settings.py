import typing
from pathlib import Path
from typing import Any

from pulsestage.settings import Settings
from tests.docs.documents import code_in, read, rows

DOCUMENTED = {
    code_in(name)[0]: (code_in(default) or [default], meaning)
    for name, default, meaning in rows(read("docs/settings.md"))
}


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(DOCUMENTED) == {f"PULSESTAGE_{name.upper()}" for name in Settings.model_fields}


def test_defaults_are_as_documented() -> None:
    declared = {f"PULSESTAGE_{name.upper()}": shown(field.default) for name, field in Settings.model_fields.items()}
    assert {name: default[0] for name, (default, _) in DOCUMENTED.items()} == declared


def test_every_choice_is_documented() -> None:
    for name, field in Settings.model_fields.items():
        if typing.get_origin(field.annotation) is typing.Literal:
            _, meaning = DOCUMENTED[f"PULSESTAGE_{name.upper()}"]
            assert set(typing.get_args(field.annotation)) <= set(code_in(meaning)), name


def test_settings_named_in_other_documents_exist() -> None:
    for document in ("README.md", "docs/api.md", "docs/cli.md", "docs/operations.md", "docs/metrics.md"):
        named = {word for code in code_in(read(document)) for word in code.replace("=", " ").split()}
        settings = {word.removesuffix("_FILE") for word in named if word.startswith("PULSESTAGE_")}
        assert settings <= set(DOCUMENTED), document


def shown(default: Any) -> str:
    """A default as the table shows it."""
    if default is None:
        return "(none)"
    if default in {"", ()}:
        return "(empty)"
    return str(Path(default)) if isinstance(default, Path) else str(default)
