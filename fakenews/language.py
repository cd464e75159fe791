"""Is a text English? Asked before any verdict, because every corpus here is English.

py3langid (BSD-3-Clause; an npz model of 4.6 MB in the package, no pickle) takes about half a second to load and a few
milliseconds an article. On English texts of 40 words or more from nine corpora its probability of English was never
below 0.65, on the same length of eight other languages never above 0.001, so where exactly the line lies between
hardly matters. Shorter texts are another matter ("Hello" comes out as Breton), hence two lines.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fakenews.text import WORD

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

P_ENGLISH = 0.5  # at least, for a text long enough to be judged
P_ENGLISH_SHORT = 0.001  # at least, for shorter ones: said only of what is plainly another language
LONG = 40  # words
SPELT = 0.5  # at least, of the words of such a text: the share with a letter
_CHARACTERS = 5000  # more would not change the answer
_ENGLISH = ("en", "pcm")  # English posts full of names come out as Nigerian Pidgin, written in English words


def english_probability(text: str) -> float:
    """Probability that `text` is English, among the 142 languages the library knows; 1 where nothing can be read."""
    if not any(c.isalpha() for c in text):
        return 1.0
    ranked = dict(_identifier().rank(text[:_CHARACTERS]))
    return float(sum(ranked[code] for code in _ENGLISH))


def is_english(text: str) -> bool:
    """Whether `text` is English, or too short to say that it is not; a long row of numbers is no English."""
    words = WORD.findall(text[:_CHARACTERS])
    if len(words) < LONG:
        return english_probability(text) >= P_ENGLISH_SHORT
    n_spelt = sum(any(c.isalpha() for c in word) for word in words)
    return n_spelt >= SPELT * len(words) and english_probability(text) >= P_ENGLISH


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
