"""Words of every script: how names are compared, and what a search finds. Pure functions of their arguments.

What is stored by these rules (a tag's folded name, a question's terms) says by which: whoever changes what `fold` or
`search_terms` return raises RULES, and what older rules made is made anew.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import add
from typing import Final

import regex

from pulsestage.domain.characters import END, FOLDED, LETTER, MARK, MARKED, SPACE
from pulsestage.domain.text import MAX_CODE_POINTS, without_heaps

RULES: Final = 1
"""The version of these rules. 0 was before rows said so."""

MAX_TERM_LENGTH: Final = 40

_ascii_words = re.compile(r"[a-z0-9]+").findall
_heap = regex.compile(rf"\p{{M}}{{{MAX_CODE_POINTS + 1},}}")


def fold(text: str) -> str:
    """Clean text for comparing names: without case, accents, compatibility forms, and what can't be seen."""
    if text.isascii() and text.isprintable():
        folded = text.lower()
    else:
        folded = unicodedata.normalize("NFC", text.translate(FOLDED))
    return " ".join(folded.split())


def search_terms(text: str) -> tuple[str, ...]:
    """What a question with this clean text is found by: its distinct words and emoji, folded, in order of appearance.

    Scripts without spaces between words (Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese …) give overlapping pairs
    of letters, the usual index of such scripts, and each run's last letter; rows of emoji likewise. Words count up to
    MAX_TERM_LENGTH code points.
    """
    terms = _ascii_words(text.lower()) if text.isascii() else _terms(text)
    distinct = dict.fromkeys(terms)
    if max(map(len, distinct), default=0) > MAX_TERM_LENGTH:
        distinct = dict.fromkeys(term[:MAX_TERM_LENGTH] for term in distinct)
    return tuple(distinct)


def query_terms(text: str) -> tuple[str, ...]:
    """What any text looks for: each must begin a term of the question. The longest, and so the rarest, come first."""
    terms = sorted(search_terms(unicodedata.normalize("NFC", without_heaps(text))))
    # A word that begins another of them is found where the other is.
    needed = (term for term, following in pairwise([*terms, ""]) if not following.startswith(term))
    return tuple(sorted(needed, key=len, reverse=True))


def _terms(text: str) -> list[str]:
    # First marks join the letters they stand on, then letters their neighbours; other ends separate like spaces.
    joined = text.translate(MARKED).replace(END + MARK, "").replace(MARK, "")
    marked = joined.replace(END + LETTER, LETTER).replace(END, SPACE)
    # Marks of letters that fold to nothing may be one heap now, and normalization sorts heaps in quadratic time.
    marked = _heap.sub(lambda heap: heap[0][:MAX_CODE_POINTS], marked)
    terms: list[str] = []
    for part in unicodedata.normalize("NFC", marked).split(SPACE):
        word, *letters = part.split(LETTER)
        if word:
            terms.append(word)
        if letters:
            terms += map(add, letters, letters[1:])
            terms.append(letters[-1])
    return terms


def similarities(text: str, others: Iterable[str]) -> Iterator[float]:
    """How alike a clean text and each of the others are, 0 to 1: the Dice coefficient of their character trigrams.

    Letters rather than words, so that a typo or another ending costs little.
    """
    mine = _trigrams(text)
    for its in map(_trigrams, others):
        yield 2 * len(mine & its) / (len(mine) + len(its)) if mine and its else 0.0


def _trigrams(text: str) -> set[str]:
    padded = "  ".join(["", *search_terms(text), ""])
    return {padded[i : i + 3] for i in range(len(padded) - 2)} if padded.strip() else set()
