"""What the page shows of words, pure: the top of an article, those two explanations share, those of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from fakenews.explain.agreement import agreement, towards_fake
from fakenews.explain.global_importance import WordTotal
from fakenews.explain.surrogate import TOP_WORDS as STRONGEST
from fakenews.schema import Explanation
from fakenews.text import INVISIBLE
from fakenews.ui import render
from fakenews.ui.templates import draw

TOP_WORDS = 10
LONGEST_WORD = 40  # characters, in lists
ACROSS_WORDS = 15
_VISIBLE = dict.fromkeys(map(ord, INVISIBLE))


def top_words(explanations: Sequence[tuple[str, Explanation]]) -> Markup:
    """Draw the words that moved the models most, repeats summed, as mirrored bars: the same words for each model."""
    totals = [_totals(e) for _, e in explanations]
    scales = [max((abs(w) for w, _ in t.values()), default=0.0) or 1.0 for t in totals]
    shares: dict[str, float] = {}
    for total, scale in zip(totals, scales, strict=True):
        for word, (weight, _) in total.items():
            shares[word] = max(shares.get(word, 0.0), abs(weight) / scale)
    words = sorted(shares, key=lambda word: -shares[word])[:TOP_WORDS]
    rows = [
        {
            "word": word,
            "count": max(total[word][1] for total in totals if word in total),
            "bars": [_bar(*total.get(word, (0.0, 0)), scale) for total, scale in zip(totals, scales, strict=True)],
        }
        for word in words
    ]
    return draw("words", "top_words", titles=[title for title, _ in explanations], rows=rows)


def alike(first: Explanation, second: Explanation, who: str) -> Markup:
    """Draw one line on how far two explanations of one text agree; `who` is its subject, two names."""
    found = agreement([first, second])
    n = min(STRONGEST, len(first.attributions))
    return render.caption(f"{who} share {len(found.shared)} of the {n} strongest words ({_how(found.pairs[0][2])}).")


def checked(ours: Explanation, library: Explanation) -> Markup:
    """Draw how far the stock package of a method agrees with ours, what either took, and how faithful either is."""
    line = alike(library, ours, f"The {library.explainer.removesuffix('-library')} package and ours")
    sentence = f"It took {library.seconds:.1f} s, ours {ours.seconds:.1f} s."
    if library.grade and ours.grade:
        theirs, own = (f"{e.grade.normalized:.2f}" for e in (library, ours) if e.grade)
        sentence += f" Faithfulness, of 1 at best: {theirs}, ours {own}."
    return line + render.caption(sentence)


def _how(value: float) -> str:
    words = (
        "rank them much alike"
        if value >= 0.7
        else "rank them partly alike"
        if value >= 0.3
        else "rank them differently"
    )
    return f"{words}, {value:.2f}"


def words_across(totals: Sequence[WordTotal], n_articles: int, title: str, corpus: str) -> Markup:
    """Draw the words that moved a model most across articles of a corpus, towards either class, with their counts."""
    if not totals:
        return render.caption(f"No word stands in three of these {n_articles} articles of “{corpus}”.")
    halves = [
        (
            side,
            [
                (t.word, f"{abs(t.weight):.2f}", f"{t.articles:,}", f"{t.occurrences:,}")
                for t in [t for t in totals if t.weight * sign > 0][:ACROSS_WORDS]
            ],
        )
        for side, sign in (("fake", 1), ("real", -1))
    ]
    caption = (
        f"{title} on {n_articles:,} articles of “{corpus}”: what a word adds to an article in which it stands, on "
        "average, its places there summed; those that moved most in all come first. Words in fewer than three "
        "articles are left out."
    )
    return draw("words", "words_across", halves=halves, caption=caption)


def _totals(explanation: Explanation) -> dict[str, tuple[float, int]]:
    """Return the weight towards fake and the number of places of every word."""
    totals: dict[str, tuple[float, int]] = {}
    for a, weight in zip(explanation.attributions, towards_fake(explanation).tolist(), strict=True):
        word = _word(explanation.text[a.start : a.end])
        total, count = totals.get(word, (0.0, 0))
        totals[word] = (total + weight, count + 1)
    return totals


def _word(word: str) -> str:
    """Return a word of the user's text for a list: in lower case, without invisible hyphens, not endlessly long."""
    word = word.translate(_VISIBLE).casefold()
    return word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…"


def _bar(weight: float, _count: int, scale: float) -> dict[str, Any]:
    return {"weight": weight, "side": "fake" if weight > 0 else "real", "share": 100 * abs(weight) / scale}
