"""Is a text English? Asked before any verdict, because every corpus here is English.

py3langid (BSD-3-Clause; an npz model of 4.6 MB in the package, no pickle) takes about half a second to load and a few
milliseconds an article. On English texts of 40 words or more from nine corpora its probability of English was never
below 0.65, on the same length of eight other languages never above 0.001, so where exactly the line lies between
hardly matters. Shorter texts are another matter («Hello» comes out as Breton), hence two lines.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from fakenews.text import count_words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

P_ENGLISH = 0.5  # at least, for a text long enough to be judged
P_ENGLISH_SHORT = 0.001  # at least, for shorter ones: said only of what is plainly another language
LONG = 40  # words
_CHARACTERS = 5000  # more would not change the answer
_ENGLISH = ("en", "pcm")  # English posts full of names come out as Nigerian Pidgin, written in English words


def english_probability(text: str) -> float:
    """Probability that `text` is English, among the 142 languages the library knows; 1 where nothing can be read."""
    if not any(c.isalpha() for c in text):
        return 1.0
    ranked = dict(_identifier().rank(text[:_CHARACTERS]))
    return float(sum(ranked[code] for code in _ENGLISH))


def is_english(text: str) -> bool:
    """Whether `text` is English, or too short to say that it is not."""
    line = P_ENGLISH if count_words(text[:_CHARACTERS]) >= LONG else P_ENGLISH_SHORT
    return english_probability(text) >= line


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
