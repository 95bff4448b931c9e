"""Rules for the text that people type, and how it is reduced to search terms. Pure functions of their arguments."""

import re
import unicodedata
from collections.abc import Iterable

from pulsestage.domain.errors import InvalidInput

_is_slug = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?").fullmatch
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_WORD = re.compile(r"\w+")
# Scripts written without spaces between words: Thai, Hiragana, Katakana, CJK ideographs, Hangul.
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")

MAX_TERM_LENGTH = 40
MAX_TERMS = 80
MAX_MARKS = 30
"""Combining marks in a row, as many as any real text has (Unicode Standard Annex 15, stream-safe text)."""
# These have the class of a letter, but normalization takes them apart into marks.
_MARKS_IN_DISGUISE = frozenset("\u0f73\u0f75\u0f81")


def clean_text(field: str, text: str, *, shortest: int, longest: int) -> str:
    """The text as it is stored: NFC, line ends as LF, no white space around it; lengths in code points.

    Raises InvalidInput for a wrong length, and for what no database and no JSON reader agrees on: NUL and lone
    surrogates. Other control characters are kept: JSON escapes them, so they can't break a frame.
    """
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput({field: ["contains a NUL or half of a surrogate pair; remove that character"]})
    if _is_heaped(text):
        # Normalization sorts the marks of a letter in quadratic time: 64 KB of them would keep everybody waiting.
        raise InvalidInput({field: [f"has more than {MAX_MARKS} combining marks in a row"]})
    cleaned = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not shortest <= len(cleaned) <= longest:
        raise InvalidInput({field: [f"has {len(cleaned)} characters; {shortest} to {longest} are allowed"]})
    return cleaned


def _is_heaped(text: str) -> bool:
    if text.isascii():
        return False
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) or char in _MARKS_IN_DISGUISE else 0
        if marks > MAX_MARKS:
            return True
    return False


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


def fold(text: str) -> str:
    """Text for comparing names: case folded, accents and compatibility forms gone."""
    if text.isascii():
        return text.casefold()
    # One by one: marks go anyway, and to sort those of a whole text takes quadratic time.
    parts = (part for char in text.casefold() for part in unicodedata.normalize("NFKD", char))
    return "".join(part for part in parts if not unicodedata.combining(part))


def search_terms(text: str) -> tuple[str, ...]:
    """The distinct words of a text in order of appearance, folded; at most MAX_TERMS of MAX_TERM_LENGTH characters.

    Runs of a script without spaces become overlapping pairs of characters, the usual bigram index of such scripts.
    """
    # NFKD would take Hangul syllables and kana apart; composing again keeps their pairs meaningful.
    folded = unicodedata.normalize("NFC", fold(text.replace("\x00", " ")))
    terms: dict[str, None] = {}
    for word in _WORD.finditer(folded):
        for part in _split_unspaced(word.group()):
            terms[part[:MAX_TERM_LENGTH]] = None
            if len(terms) == MAX_TERMS:
                return tuple(terms)
    return tuple(terms)


def _split_unspaced(word: str) -> list[str]:
    parts: list[str] = []
    at = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > at:
            parts.append(word[at : run.start()])
        chars = run.group()
        parts.extend(chars[i : i + 2] for i in range(max(1, len(chars) - 1)))
        at = run.end()
    if at < len(word):
        parts.append(word[at:])
    return parts


def similarities(text: str, others: Iterable[str]) -> list[float]:
    """How alike the text and each of the others are, 0 to 1: the Dice coefficient of their character trigrams.

    Letters rather than words, so that a typo or another ending costs little.
    """
    mine = _trigrams(text)
    return [2 * len(mine & its) / (len(mine) + len(its)) if mine and its else 0.0 for its in map(_trigrams, others)]


def _trigrams(text: str) -> set[str]:
    padded = "  ".join(["", *search_terms(text), ""])
    return {padded[i : i + 3] for i in range(len(padded) - 2)} if padded.strip() else set()
