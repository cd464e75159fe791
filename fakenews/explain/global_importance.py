"""Which words move a classifier across many articles: explanations summed by word, with their counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fakenews.explain.agreement import towards_fake
from fakenews.schema import Explanation, JsonValue
from fakenews.text import bare_word

FEWEST = 3  # articles in which a word has to stand


@dataclass(frozen=True, slots=True)
class WordTotal(JsonValue):
    """One word over a set of articles, whatever its case, its quotes and its clitic: "Trump's" counts for "Trump"."""

    word: str  # in lower case, in the form that occurs most
    # log-odds towards fake that it adds to an article in which it stands, on average; its places there are summed
    weight: float
    # articles, occurrences: in how many it stands, and how often in all
    articles: int
    occurrences: int
    towards_fake: float  # share of these articles in which it pushes towards fake, in [0, 1]


def across(explanations: Iterable[Explanation], fewest: int = FEWEST) -> tuple[WordTotal, ...]:
    """Return words that stand in at least `fewest` articles, those that moved most in all first.

    Attributions of one classifier by one method, one explanation per article.
    """
    per_article: defaultdict[str, list[float]] = defaultdict(list)
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for explanation in explanations:
        sums: defaultdict[str, float] = defaultdict(float)
        for a, weight in zip(explanation.attributions, towards_fake(explanation).tolist(), strict=True):
            form = explanation.text[a.start : a.end].casefold()
            word = bare_word(form)
            sums[word] += weight
            forms[word][form] += 1
        for word, weight in sums.items():
            per_article[word].append(weight)
    totals = (
        WordTotal(
            max(forms[word], key=lambda form: (forms[word][form], form)),
            sum(entries) / len(entries),
            len(entries),
            forms[word].total(),
            sum(w > 0 for w in entries) / len(entries),
        )
        for word, entries in per_article.items()
        if len(entries) >= fewest
    )
    return tuple(sorted(totals, key=lambda t: (-abs(t.weight) * t.articles, t.word)))
