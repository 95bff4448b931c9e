"""Rules for the text that people type: what is kept, how long it is, what a slug and a colour are. Pure functions."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from unicode_segmentation_rs import graphemes

from pulsestage.domain.characters import INVISIBLE, JOINED, VISIBILITY
from pulsestage.domain.errors import InvalidInput

_is_slug = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?").fullmatch
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_EDGES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\u200c\u200d\ufe0f"
"""White space, and what only joins or changes its neighbours: at the ends of a text it shows nothing."""

MAX_CODE_POINTS: Final = 32
"""Of one visible character: a family of four emoji has 11, and 30 marks on a letter are stream-safe (UAX 15)."""


def clean_text(field: str, text: str, *, shortest: int, longest: int) -> str:
    """The text as it is stored: NFC, line ends as LF, no white space around it; lengths in visible characters.

    Raises InvalidInput for a wrong length, for characters made of very many code points, and for what no database and
    no JSON reader agrees on: NUL and lone surrogates. Other control characters are kept: JSON escapes them, so they
    can't break a frame.
    """
    if _UNSTORABLE.search(text):
        raise InvalidInput({field: ["contains a NUL or half of a surrogate pair; remove that character"]})
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    visible = _visible(text)
    if not shortest <= len(visible) <= longest:
        raise InvalidInput({field: [f"has {len(visible)} characters; {shortest} to {longest} are allowed"]})
    if len(text) > (most := max_code_points(longest)):
        raise InvalidInput({field: [f"has {len(text)} code points; at most {most} are allowed"]})
    if _has_heap(text, visible):
        # Normalization sorts the marks of a letter in quadratic time: 64 KB of them would keep everybody waiting.
        raise InvalidInput({field: [f"has a character made of more than {MAX_CODE_POINTS} code points"]})
    if not visible:
        return ""
    normal = unicodedata.normalize("NFC", text)
    # NFC takes some characters apart: what it makes must keep the limits too, or a stored text could not be sent again.
    return text if normal == text else clean_text(field, normal, shortest=shortest, longest=longest)


def max_code_points(longest: int) -> int:
    """How many code points a text of so many visible characters may have: four each on average, and some to spare."""
    return 4 * longest + MAX_CODE_POINTS


def visible_length(text: str) -> int:
    """How many characters people see, white space between them included: extended grapheme clusters (UAX 29)."""
    return len(_visible(text))


def without_heaps(text: str) -> str:
    """Any text, its characters cut to MAX_CODE_POINTS: what `clean_text` refuses may still be looked for."""
    characters = text if text.isascii() else graphemes(text, is_extended=True)
    return "".join(each[:MAX_CODE_POINTS] for each in characters) if _has_heap(text, characters) else text


def _has_heap(text: str, characters: Sequence[str]) -> bool:
    return len(text) - len(characters) >= MAX_CODE_POINTS and max(map(len, characters), default=0) > MAX_CODE_POINTS


def _visible(text: str) -> Sequence[str]:
    """The visible characters of a text, from the first to the last that is no white space."""
    if text.isascii() and text.isprintable():
        return text.strip()
    kinds = text.translate(VISIBILITY)
    if INVISIBLE in kinds:
        text = "".join(char for char, kind in zip(text, kinds, strict=True) if kind != INVISIBLE)
    return graphemes(text.strip(_EDGES), is_extended=True) if JOINED in kinds else text.strip()


def slug_of(text: str) -> str | None:
    """The slug, or the id, that somebody named in letters of any case; None if it can't be one and names nothing."""
    slug = text.lower() if text.isascii() else text
    return slug if _is_slug(slug) else None


def clean_slug(field: str, text: str) -> str:
    """A slug: 1 to 63 of `a-z`, `0-9` and inner hyphens (an RFC 1035 label that may begin with a digit)."""
    if not _is_slug(text):
        raise InvalidInput({field: ["use 1 to 63 small letters, digits and inner hyphens"]})
    return text


def clean_color(field: str, text: str) -> str:
    """A colour as `#RRGGBB`, in capitals."""
    if not _COLOR.fullmatch(text):
        raise InvalidInput({field: ["use the form #RRGGBB"]})
    return text.upper()
