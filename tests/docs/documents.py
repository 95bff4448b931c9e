"""The documents as the tests read them: tables, code in the text, fenced blocks, headings and links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^>]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A fenced block, and the comment above it that says that it runs."""

    language: str
    text: str
    mark: str


def read(name: str) -> str:
    """A document, by its path from the project's root."""
    return (ROOT / name).read_text(encoding="utf-8")


def snippets(text: str) -> list[Snippet]:
    """The fenced blocks."""
    return [Snippet(each["language"], each["text"], each["mark"] or "") for each in _FENCE.finditer(text)]


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def code_in(text: str) -> list[str]:
    """What stands between backticks."""
    return _CODE.findall(text)


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each table's rows, heads and rulers left out."""
    before = ""
    for line in prose(text).splitlines():
        if line.startswith("|") and before.startswith("|") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
        before = line


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level or above."""
    level = len(heading.partition(" ")[0])
    _, _, rest = text.partition(f"{heading}\n")
    assert rest, f"no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def links(text: str) -> list[str]:
    """The targets of links."""
    return _LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """The anchors that a page of rendered Markdown has: its headings in small letters, with hyphens."""
    headings = _HEADING.findall(prose(text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
