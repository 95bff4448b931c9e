"""What documents show, run: shell and Python against a real demo, the library's example under a real uvicorn."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, Snippet, code_in, prose, read, snippets

DEMO = "runs against the demo"
ADDRESS = "http://127.0.0.1:7717"


def marked(document: str, language: str) -> list[Snippet]:
    return [each for each in snippets(read(document)) if each.language == language and each.mark == DEMO]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """A demo without an audience; its address."""
    command = [sys.executable, "-m", "pulsestage", "demo", "--port", "0", "--audience", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


# A bare machine of the CI may have no curl, and a skipped test counts as failed there.
if shutil.which("curl"):

    @pytest.mark.parametrize(
        "document, expected",
        [
            ("README.md", ['"isGuest":true', '"isMine":true', '"hasUpvoted":true', '"type":"snapshot"']),
            ("docs/streams.md", ['"type":"connected"', '"type":"question:created"']),
        ],
    )
    def test_what_is_shown_for_the_shell_works(document: str, expected: list[str], demo: str, tmp_path: Path) -> None:
        (tmp_path / ".curlrc").write_text("max-time = 1.5\n")  # streams don't end by themselves
        script = "\n".join(each.text for each in marked(document, "sh")).replace(ADDRESS, demo)
        environment = {**os.environ, "CURL_HOME": str(tmp_path)}
        result = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        shown = result.stdout.replace('": ', '":')
        assert [each for each in expected if each not in shown] == []


def test_what_is_shown_for_python_works(demo: str) -> None:
    [client] = marked("docs/streams.md", "python")
    code = client.text.replace(ADDRESS, demo)
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert re.match(r"\d+ questions at \w+\.\d+", result.stdout)


def test_every_python_snippet_is_python_and_every_json_is_json() -> None:
    for document in DOCUMENTS:
        for each in snippets(document.read_text(encoding="utf-8")):
            if each.language == "python":
                ast.parse(each.text)
            if each.language == "json":
                json.loads(each.text)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        shown = [*code_in(prose(text)), *(line for each in snippets(text) for line in each.text.splitlines())]
        named = {match.group(1) for line in shown if (match := re.match(r"make ([a-z]+)", line))}
        assert named <= targets, document.name


def test_commands_and_options_in_shell_snippets_are_documented() -> None:
    commands = read("docs/cli.md")
    for document in DOCUMENTS:
        for each in snippets(document.read_text(encoding="utf-8")):
            for line in each.text.replace("\\\n", "").splitlines() if each.language == "sh" else ():
                _, program, arguments = line.partition("bin/pulsestage ")
                if not program:
                    continue
                words = shlex.split(arguments, comments=True)
                name = " ".join(word for word in words[:2] if re.fullmatch("[a-z]+", word))
                known = commands.partition(f"## `pulsestage {name}")[2].partition("\n## ")[0]
                assert known, line
                assert all(f"`{word}`" in known for word in words if word.startswith("--")), line


def test_scripts_that_are_named_exist() -> None:
    for path in (".ci/run", "scripts", "bench/votes.py", "requirements"):
        assert (ROOT / path).exists()
