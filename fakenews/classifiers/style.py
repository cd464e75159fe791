"""The style features: numbers that say how a text is written, each with a name and a meaning.

All of them are counted on the neutral text, so quotation marks, line ends and datelines are gone and quoted speech
shows in its verbs. What a file or a template decides is not counted: capitals of the title, dashes (lost with other
characters in some corpora), and the space after a sentence, which 88 % of ISOT's fake articles lack somewhere and
almost none of its real ones; a sentence ends with or without it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.wordlists import LISTS_OF
from fakenews.text import TOKEN

_WINDOW = 50  # words in which different ones are counted
_DIGITS = frozenset("0123456789")
_SENTENCE_END = re.compile(
    r"(?<![.!?…]{2})(?<!\b[A-Z])(?<!\b(?:Mr|Ms|Dr|St|Jr|Sr|Lt))(?<!\b(?:Mrs|Sen|Rep|Gov|Gen))"
    r"[.!?…]++(?=\s|$|[A-Z][a-z])"
)
_SYLLABLES = re.compile(r"[aeiouy]+")
_PATTERNS = {
    "dotted": re.compile(r"\b(?:[A-Za-z]\.){2,}"),
    "hyphen": re.compile(r"(?<=\w)-(?=\w)"),
    "ellipsis": re.compile(r"\.{2,}|…"),
    "repeated": re.compile(r"[!?]{2,}"),
    "grouped": re.compile(r"\d[.,]\d"),
    "money": re.compile(r"[$£€]\s?\d"),
    "percent": re.compile(r"\d\s?%|\bper ?cent\b"),
    "name": re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)+"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What is counted of a text once, for all features.

    Attributes
    ----------
    words, lower : list of str
        In order, as written and in lower case.
    types : Counter of str
        Occurrences of each word of `lower`.
    listed : Counter of str
        Words on each list of `wordlists.WORD_LISTS`.
    sentences : ndarray of shape (n_sentences,), int
        Words of each sentence that has some.
    punctuation : Counter of str
        Occurrences of each character that is neither letter, digit nor space, and of each of `_PATTERNS`.
    ends : Counter of str
        Sentences by their last punctuation.
    letters, syllables : int
    """

    words: list[str]
    lower: list[str]
    types: Counter[str]
    listed: Counter[str]
    sentences: NDArray[np.int64]
    punctuation: Counter[str]
    ends: Counter[str]
    letters: int
    syllables: int


def read_style(text: str) -> Reading:
    """Count what the features need of a neutral text, or of one with words cut out."""
    matches = list(TOKEN.finditer(text))
    words = [m.group() for m in matches]
    lower = [word.lower() for word in words]
    types = Counter(lower)
    listed: Counter[str] = Counter()
    for word, n in types.items():
        for name in LISTS_OF.get(word, ()):
            listed[name] += n
    closed = list(_SENTENCE_END.finditer(text))
    edges = np.searchsorted([m.start() for m in matches], [0, *(m.end() for m in closed), len(text)])
    sentences = np.diff(edges)
    punctuation = Counter(c for c in text if not (c.isalnum() or c.isspace()))
    punctuation.update({name: sum(1 for _ in pattern.finditer(text)) for name, pattern in _PATTERNS.items()})
    ends = Counter(m.group()[-1] for m, n in zip(closed, sentences, strict=False) if n)
    letters = sum(map(len, words))
    syllables = sum(_count_syllables(word) * n for word, n in types.items())
    return Reading(words, lower, types, listed, sentences[sentences > 0], punctuation, ends, letters, syllables)


@dataclass(frozen=True, slots=True)
class StyleFeature:
    """One number: its name, what it means, and how it is had from a reading."""

    name: str
    meaning: str
    value: Callable[[Reading], float]


def style_vector(text: str) -> NDArray[np.float64]:
    """Return the features of one neutral text, shape (len(STYLE_FEATURES),), in their order."""
    reading = read_style(text)
    return np.array([feature.value(reading) for feature in STYLE_FEATURES], dtype=np.float64)


def _share(n: float, of: float) -> float:
    return n / of if of else 0.0


def _words_where(matches: Callable[[str], bool], r: Reading) -> float:
    """Return words, as written, that match, per 100."""
    return 100 * _share(sum(map(matches, r.words)), len(r.words))


def _types_where(matches: Callable[[str], bool], r: Reading) -> float:
    """Return words that match in lower case, per 100; each different word is looked at once."""
    return 100 * _share(sum(n for word, n in r.types.items() if matches(word)), len(r.words))


def _punctuation(names: str | tuple[str, ...], r: Reading) -> float:
    return 100 * _share(sum(r.punctuation[name] for name in names), len(r.words))


def _listed(name: str, r: Reading) -> float:
    return 100 * _share(r.listed[name], len(r.words))


def _sentences_ending(punctuation: str, r: Reading) -> float:
    return 100 * _share(r.ends[punctuation], len(r.sentences))


def _ends_in(endings: tuple[str, ...], word: str) -> bool:
    return len(word) > 5 and word.endswith(endings)


def _is_capitalized(word: str) -> bool:
    return word[0].isupper() and not word.isupper()


def _is_shouted(word: str) -> bool:
    return len(word) > 2 and word.isupper() and word.isalpha()


def _has_digit(word: str) -> bool:
    return not _DIGITS.isdisjoint(word)


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdigit() and word[:2] in ("19", "20")


def _is_long(word: str) -> bool:
    return len(word) > 6


def _is_short(word: str) -> bool:
    return len(word) < 4


@lru_cache(maxsize=16_384)
def _count_syllables(word: str) -> int:
    """Count runs of vowels, less a silent "e" at the end; at least one."""
    runs = len(_SYLLABLES.findall(word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and runs > 1
    return max(1, runs - silent)


def _hard_words(r: Reading) -> float:
    return 100 * _share(sum(n for word, n in r.types.items() if _count_syllables(word) > 2), len(r.words))


def _mean_sentence(r: Reading) -> float:
    return float(r.sentences.mean()) if len(r.sentences) else 0.0


def _word_length(r: Reading) -> float:
    return _share(r.letters, len(r.words))


def _syllables(r: Reading) -> float:
    return _share(r.syllables, len(r.words))


def _flesch(r: Reading) -> float:
    return 206.835 - 1.015 * _mean_sentence(r) - 84.6 * _syllables(r)


def _grade(r: Reading) -> float:
    return 0.39 * _mean_sentence(r) + 11.8 * _syllables(r) - 15.59


def _fog(r: Reading) -> float:
    return 0.4 * (_mean_sentence(r) + _hard_words(r))


def _coleman_liau(r: Reading) -> float:
    return 5.88 * _word_length(r) - 29.6 * _share(len(r.sentences), len(r.words)) - 15.8


def _automated(r: Reading) -> float:
    return 4.71 * _word_length(r) + 0.5 * _mean_sentence(r) - 21.43


def _moving_types(r: Reading) -> float:
    """Return the moving-average type-token ratio of Covington and McFall 2010 (doi:10.1080/09296171003643098)."""
    window = min(_WINDOW, len(r.lower))
    if not window:
        return 0.0
    inside = Counter(r.lower[:window])
    total = types = len(inside)
    for gone, come in zip(r.lower, r.lower[window:], strict=False):
        inside[gone] -= 1
        types -= inside[gone] == 0
        types += inside[come] == 0
        inside[come] += 1
        total += types
    return total / (window * (len(r.lower) - window + 1))


def _hapaxes(r: Reading) -> float:
    return _share(sum(n == 1 for n in r.types.values()), len(r.types))


def _yule(r: Reading) -> float:
    n = len(r.lower)
    return 1e4 * _share(sum(k * k for k in r.types.values()) - n, n * n)


def _tone(r: Reading) -> float:
    positive, negative = r.listed["positive_words"], r.listed["negative_words"]
    return _share(positive - negative, positive + negative)


def _emotion(r: Reading) -> float:
    return _listed("positive_words", r) + _listed("negative_words", r)


_PER_100 = "per 100 words"
_LISTS = {
    "articles": "Articles",
    "prepositions": "Prepositions",
    "conjunctions": "Conjunctions",
    "auxiliaries": "Forms of be, do and have",
    "modals": "Modal verbs",
    "negations": "Negating words",
    "contracted_negations": "Contracted negations such as “dont”",
    "first_person_singular": "I, me, my",
    "first_person_plural": "We, us, our",
    "second_person": "You, your",
    "third_person_singular": "He, she and their forms",
    "third_person_plural": "They and its forms",
    "it_pronouns": "It, its, itself",
    "demonstratives": "This, that, these, those",
    "question_words": "Who, what, when, where, which, why, how",
    "quantifiers": "Quantifiers such as “several”",
    "reporting_verbs": "Verbs of reported speech such as “said”",
    "attributions": "Words that name a source, such as “spokesman” or “according”",
    "weekdays": "Names of weekdays",
    "months": "Names of months",
    "relative_times": "Times relative to now, such as “yesterday”",
    "honorifics": "Titles and offices before names, such as “Mr” or “senator”",
    "hedges": "Hedges such as “allegedly” or “perhaps”",
    "boosters": "Boosters such as “totally” or “very”",
    "absolutes": "Absolute words such as “always” or “everyone”",
    "positive_words": "Words of the small positive lexicon",
    "negative_words": "Words of the small negative lexicon",
    "sensational_words": "Words of sensational headlines, such as “bombshell”",
    "insults": "Insulting words",
    "informal_words": "Informal words such as “guys” or “wow”",
    "media_words": "Words about media, such as “video” or “tweet”",
    "number_words": "Numbers written as words",
    "thinking_verbs": "Verbs of thinking, feeling and wanting",
    "imperatives": "Words that call on the reader, such as “watch” or “share”",
}
_CHARACTERS: dict[str, tuple[str | tuple[str, ...], str]] = {
    "commas": (",", "Commas"),
    "full_stops": (".", "Full stops"),
    "colons": (":", "Colons"),
    "semicolons": (";", "Semicolons"),
    "exclamation_marks": ("!", "Exclamation marks"),
    "question_marks": ("?", "Question marks"),
    "brackets": ("([{", "Opening brackets"),
    "slashes": ("/", "Slashes"),
    "symbols": ("#&*_|~^+=<>@", "Hash, ampersand, asterisk and other symbols"),
    "dotted_abbreviations": (("dotted",), "Abbreviations with dots, such as “U.S.”"),
    "hyphens": (("hyphen",), "Hyphens inside words"),
    "ellipses": (("ellipsis",), "Ellipses"),
    "repeated_marks": (("repeated",), "Repeated marks such as “!!” or “?!”"),
    "grouped_numbers": (("grouped",), "Numbers with a point or comma inside"),
    "money": (("money",), "Amounts after a currency sign"),
    "percentages": (("percent",), "Percentages"),
    "names": (("name",), "Runs of two or more capitalized words"),
}
_ENDINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "ly_words": (("ly",), "Words in -ly, mostly adverbs"),
    "ing_words": (("ing",), "Words in -ing, mostly participles"),
    "ed_words": (("ed",), "Words in -ed, mostly past forms"),
    "abstract_nouns": (("tion", "tions", "sion", "ment", "ments", "ness", "ity", "ism"), "Abstract nouns by ending"),
    "adjectives": (("ous", "ful", "ive", "able", "ible", "less", "ical"), "Adjectives by ending"),
}

STYLE_FEATURES: tuple[StyleFeature, ...] = (
    StyleFeature("length", "Natural logarithm of 1 + words", lambda r: float(np.log1p(len(r.words)))),
    StyleFeature("word_length", "Mean letters per word", _word_length),
    StyleFeature("long_words", f"Words of 7 letters or more, {_PER_100}", partial(_types_where, _is_long)),
    StyleFeature("short_words", f"Words of 3 letters or fewer, {_PER_100}", partial(_types_where, _is_short)),
    StyleFeature("sentence_length", "Mean words per sentence", _mean_sentence),
    StyleFeature(
        "sentence_spread",
        "Standard deviation of words per sentence",
        lambda r: float(r.sentences.std()) if len(r.sentences) else 0.0,
    ),
    StyleFeature("longest_sentence", "Words of the longest sentence", lambda r: float(max(r.sentences, default=0))),
    StyleFeature("shortest_sentence", "Words of the shortest sentence", lambda r: float(min(r.sentences, default=0))),
    StyleFeature("questions", "Sentences that end in a question mark, per 100", partial(_sentences_ending, "?")),
    StyleFeature("exclamations", "Sentences that end in an exclamation mark, per 100", partial(_sentences_ending, "!")),
    *(
        StyleFeature(name, f"{meaning}, {_PER_100}", partial(_punctuation, characters))
        for name, (characters, meaning) in _CHARACTERS.items()
    ),
    StyleFeature(
        "capitalised_words", f"Words that begin with a capital, {_PER_100}", partial(_words_where, _is_capitalized)
    ),
    StyleFeature(
        "shouted_words", f"Words of 3 letters or more in capitals, {_PER_100}", partial(_words_where, _is_shouted)
    ),
    StyleFeature("numbers", f"Words with a digit, {_PER_100}", partial(_types_where, _has_digit)),
    StyleFeature("years", f"Years from 1900 to 2099, {_PER_100}", partial(_types_where, _is_year)),
    StyleFeature("moving_types", f"Mean share of different words in windows of {_WINDOW}", _moving_types),
    StyleFeature("hapaxes", "Share of the different words that occur once", _hapaxes),
    StyleFeature("yule", "Yule's K, 10⁴ (Σ n² - N) / N²: repetition of words (Yule 1944)", _yule),
    StyleFeature("syllables", "Mean syllables per word, counted as runs of vowels", _syllables),
    StyleFeature("hard_words", f"Words of 3 syllables or more, {_PER_100}", _hard_words),
    StyleFeature("flesch", "Flesch reading ease (Flesch 1948)", _flesch),
    StyleFeature("grade", "Flesch-Kincaid grade level (Kincaid et al. 1975)", _grade),
    StyleFeature("fog", "Gunning fog index (Gunning 1952)", _fog),
    StyleFeature("coleman_liau", "Coleman-Liau index (Coleman and Liau 1975)", _coleman_liau),
    StyleFeature("automated_readability", "Automated readability index (Senter and Smith 1967)", _automated),
    *(StyleFeature(name, f"{meaning}, {_PER_100}", partial(_listed, name)) for name, meaning in _LISTS.items()),
    *(
        StyleFeature(name, f"{meaning}, {_PER_100}", partial(_types_where, partial(_ends_in, endings)))
        for name, (endings, meaning) in _ENDINGS.items()
    ),
    StyleFeature("tone", "Positive less negative words, by their sum; from -1 to 1", _tone),
    StyleFeature("emotion", f"Positive and negative words together, {_PER_100}", _emotion),
)
