"""Is a text English? Asked before any verdict, because every corpus here is English.

py3langid (BSD-3-Clause; an npz model of 4.6 MB in the package, no pickle) takes about half a second to load and a few
milliseconds an article. On English texts of 40 words or more from nine corpora its probability of English was never
below 0.65, on the same length of eight other languages never above 0.001, so where exactly the line lies between
hardly matters. Shorter texts are another matter ("Hello" comes out as Breton), hence two lines.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from fakenews.text import TOKEN

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

P_ENGLISH = 0.5  # at least, for a text long enough to be judged
P_ENGLISH_SHORT = 0.001  # at least, for shorter ones: said only of what is plainly another language
LONG = 40  # words
SPELT = 0.5  # at least, of the words of such a text: the share with a letter
# Of 9,700 articles and posts from 21 corpora, English as a whole, four are none by their stretches: lists of names or
# election results, and one that is half Spanish.
STRETCHES, STRETCH = 4, 100  # of a text, and words of each, at most
SHORTEST = 60  # words of a stretch where there is more than one
ENGLISH_STRETCHES = 0.6  # more than this share of them has to be English
_WORDS, _CHARACTERS = 4000, 5000  # of a text, and of a stretch, that are looked at
_ENGLISH = ("en", "pcm")  # English posts full of names come out as Nigerian Pidgin, written in English words


def english_probability(text: str) -> float:
    """Return the probability that `text` is English, among 142 languages; 1 where nothing can be read."""
    if not any(c.isalpha() for c in text):
        return 1.0
    ranked = dict(_identifier().rank(text[:_CHARACTERS]))
    return float(sum(ranked[code] for code in _ENGLISH))


def is_english(text: str) -> bool:
    """Return whether `text` is English, or too short to say that it is not.

    Several stretches of a longer text are asked: one that is half in another language is no English. Nor is a long
    row of numbers.
    """
    words = list(islice(TOKEN.finditer(text), _WORDS))
    if len(words) < LONG:
        return english_probability(text) >= P_ENGLISH_SHORT
    n_spelt = sum(any(c.isalpha() for c in word.group()) for word in words)
    english = [english_probability(stretch) >= P_ENGLISH for stretch in _stretches(text, words)]
    return n_spelt >= SPELT * len(words) and sum(english) > ENGLISH_STRETCHES * len(english)


def _stretches(text: str, words: list[re.Match[str]]) -> list[str]:
    """Spread up to `STRETCHES` stretches of at most `STRETCH` words evenly over a text."""
    n = min(STRETCHES, max(1, len(words) // SHORTEST))
    size = min(STRETCH, len(words) // n)
    starts = [round(i * (len(words) - size) / max(n - 1, 1)) for i in range(n)]
    return [text[words[start].start() : words[start + size - 1].end()] for start in starts]


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
