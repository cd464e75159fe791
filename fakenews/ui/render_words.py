"""Markup of words, pure: the strongest of an article, those two explanations share, those of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from fakenews.explain.agreement import Agreement, towards_fake
from fakenews.explain.global_importance import WordTotal
from fakenews.schema import Explanation
from fakenews.text import INVISIBLE
from fakenews.ui import render

TOP_WORDS = 10
LONGEST_WORD = 40  # characters, in lists
ACROSS_WORDS = 15
_VISIBLE = dict.fromkeys(map(ord, INVISIBLE))


def top_words(explanations: Sequence[tuple[str, Explanation]]) -> str:
    """The words that moved the models most, repeated words summed, as mirrored bars: the same words for each model."""
    totals = [_totals(e) for _, e in explanations]
    scales = [max((abs(w) for w, _ in t.values()), default=0.0) or 1.0 for t in totals]
    shares: dict[str, float] = {}
    for total, scale in zip(totals, scales, strict=True):
        for word, (weight, _) in total.items():
            shares[word] = max(shares.get(word, 0.0), abs(weight) / scale)
    words = sorted(shares, key=lambda word: -shares[word])[:TOP_WORDS]
    drawn = (
        _words(title, words, total, scale)
        for (title, _), total, scale in zip(explanations, totals, scales, strict=True)
    )
    return f'<div class="fn-words">{"".join(drawn)}</div>'


def rank_agreement(found: Agreement, text: str, titles: Sequence[str]) -> str:
    """One line on how alike two explanations rank the words, and the words both hang on."""
    value = found.pairs[0][2]
    alike = "much alike" if value >= 0.7 else "partly alike" if value >= 0.3 else "differently"
    words = list(dict.fromkeys(_word(text[s.start : s.end]) for s in found.shared))
    shared = f" Both hang on: {', '.join(words)}." if words else " No strongest word is common to both."
    return render.caption(f"{' and '.join(titles)} rank the words {alike} (rank agreement {value:.2f}).{shared}")


def words_across(totals: Sequence[WordTotal], n_articles: int, title: str, corpus: str) -> str:
    """The words that moved a model most across articles of a corpus, towards either class, with their counts."""
    if not totals:
        return render.caption(f"No word stands in three of these {n_articles} articles of “{corpus}”.")
    halves = []
    for side, chosen in (("fake", [t for t in totals if t.weight > 0]), ("real", [t for t in totals if t.weight < 0])):
        headers = [(f"Towards {side}", False), ("log-odds", True), ("articles", True), ("times", True)]
        rows = [
            ("", (t.word, f"{abs(t.weight):.2f}", f"{t.articles:,}", f"{t.occurrences:,}"))
            for t in chosen[:ACROSS_WORDS]
        ]
        halves.append(f"<section>{render.table(headers, rows, f'Words towards {side}')}</section>")
    return f'<div class="fn-words">{"".join(halves)}</div>' + render.caption(
        f"{title} on {n_articles:,} articles of “{corpus}”: what a word adds to an article in which it stands, on "
        "average, its places there summed; those that moved most in all come first. Words in fewer than three "
        "articles are left out."
    )


def _totals(explanation: Explanation) -> dict[str, tuple[float, int]]:
    """Weight towards fake and number of places of every word."""
    found: dict[str, tuple[float, int]] = {}
    for a, weight in zip(explanation.attributions, towards_fake(explanation).tolist(), strict=True):
        word = _word(explanation.text[a.start : a.end])
        total, count = found.get(word, (0.0, 0))
        found[word] = (total + weight, count + 1)
    return found


def _word(found: str) -> str:
    """A word of the user's text as it is listed: in lower case, without invisible hyphens, not endlessly long."""
    word = found.translate(_VISIBLE).casefold()
    return word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…"


def _words(title: str, words: Sequence[str], totals: Mapping[str, tuple[float, int]], scale: float) -> str:
    rows = []
    for word in words:
        weight, count = totals.get(word, (0.0, 0))
        side = "fake" if weight > 0 else "real"
        bar = f'<i style="width:{100 * abs(weight) / scale:.0f}%"></i>'
        times = f" ×{count}" if count > 1 else ""
        rows.append(
            f'<li title="{abs(weight):.3f} log-odds towards {side}">'
            f'<span class="l">{bar if side == "real" else ""}</span>'
            f'<em>{escape(word)}<small>{times}</small></em><span class="r">{bar if side == "fake" else ""}</span>'
            f'<span class="fn-sr">towards {side}, {abs(weight):.2f}</span></li>'
        )
    body = "".join(rows) or '<li class="fn-none">No word was read.</li>'
    return (
        f"<section><h3>{escape(title)}: strongest words</h3>"
        '<div class="fn-axis" aria-hidden="true"><span>towards real</span><span>towards fake</span></div>'
        f"<ul>{body}</ul></section>"
    )
