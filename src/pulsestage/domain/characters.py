"""What Unicode says of single characters, as tables for `str.translate`.

The properties come from the `regex` module. Looking one up takes longer than translating a whole word, so tables
remember the characters they have met.
"""

import unicodedata
from collections.abc import Callable
from typing import Final

import regex
from anyascii import anyascii

MAX_REMEMBERED: Final = 20_000
"""How many characters a table remembers: more than people type, and no reason for anybody to send all that exist."""


class CharacterTable(dict[int, str]):
    """A table for `str.translate`, filled as characters are met."""

    def __init__(self, compute: Callable[[str], str]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, code_point: int) -> str:
        value = self._compute(chr(code_point))
        if len(self) < MAX_REMEMBERED:
            self[code_point] = value
        return value


def _has(properties: str) -> Callable[[str], bool]:
    """Whether a character is in a set, written as in Unicode Technical Standard 18."""
    match = regex.compile(properties, regex.VERSION1).fullmatch
    return lambda char: match(char) is not None


# Two more are drawn as nothing without being "default ignorable": the empty Braille pattern and a musical note head.
_BLANK = r"\u2800\U0001D159"
_is_invisible = _has(rf"[\p{{Default_Ignorable_Code_Point}}\p{{Cc}}[\p{{Cf}}--\p{{PCM}}]{_BLANK}]")
_is_joiner = _has(r"[\u200C\u200D\uFE0F]")
_is_space = _has(r"\s")
_stands_alone = _has(r"[\p{GCB=Other}\p{GCB=LV}\p{GCB=LVT}]")


def _visibility(char: str) -> str:
    if _is_space(char):
        return ALONE
    if _is_joiner(char):
        return JOINED
    if _is_invisible(char):
        return INVISIBLE
    return ALONE if _stands_alone(char) else JOINED


ALONE: Final = "a"
"""One visible character by itself, unless something joined follows. White space is, too."""
JOINED: Final = "j"
"""Perhaps one visible character together with its neighbours: marks, joiners, flags, jamo."""
INVISIBLE: Final = "i"
"""Nothing that people can see."""

VISIBILITY: Final = CharacterTable(_visibility)


# Marks that people leave out when they search. Vowel signs of India and South-East Asia are letters in all but name,
# and the voicing marks of kana make other syllables. And the tatweel, which only makes a word wider.
_is_left_out = _has(
    r"[[\p{M}&&[\p{Inherited}\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}\p{Syriac}]]--[\u3099\u309A]]|\u0640"
)
_NUKTA = 7
"""The canonical combining class of the dot below letters of India."""
_is_latin = _has(r"[\p{Latin}--[a-z]]")


def _folded(char: str) -> str:
    if char in "\u2800\U0001d159" or _is_space(char):
        return " "
    if _is_invisible(char):
        return ""
    parts = unicodedata.normalize("NFKD", char)
    kept = (part for part in parts if not (_is_left_out(part) or unicodedata.combining(part) == _NUKTA))
    return unicodedata.normalize("NFC", "".join(map(_plain, "".join(kept).casefold())))


def _plain(letter: str) -> str:
    """A Latin letter without its stroke or hook, which is no mark that decomposition takes off."""
    return (anyascii(letter).lower() or letter) if _is_latin(letter) else letter


FOLDED: Final = CharacterTable(_folded)
"""Characters without case, accents, compatibility forms, and what can't be seen."""


SPACE: Final = " "
LETTER, MARK, END = "\x1f\x1d\x1e"
"""Control characters, which no folded text has: they stand before a letter, before a mark, and after either."""

_UNSPACED = r"\p{Line_Break=SA}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Hangul}"
_is_unspaced_mark = _has(rf"[[{_UNSPACED}]&&\p{{M}}]|\p{{Emoji_Modifier}}")
_is_unspaced_letter = _has(rf"[[{_UNSPACED}]&&[\p{{L}}\p{{N}}]]|\p{{Regional_Indicator}}|\p{{Extended_Pictographic}}")
_is_of_word = _has(r"[\p{L}\p{M}\p{N}]")


def _marked(char: str) -> str:
    return "".join(map(_mark, FOLDED[ord(char)]))


def _mark(folded: str) -> str:
    if _is_unspaced_mark(folded):
        return f"{MARK}{folded}{END}"
    if _is_unspaced_letter(folded):
        return f"{LETTER}{folded}{END}"
    return folded if _is_of_word(folded) else SPACE


MARKED: Final = CharacterTable(_marked)
"""Folded characters of words, and SPACE for what is between words. In scripts without spaces between words, and in rows
of emoji, each letter and each mark is between two of the signs above."""
