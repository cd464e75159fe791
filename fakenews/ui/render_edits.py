"""Markup of a text under edits, pure: what went and came, what the models say now, the smallest flip."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from html import escape

import numpy as np

from fakenews.engine.values import WhatIf
from fakenews.explain.counterfactual import Counterfactual
from fakenews.schema import Span
from fakenews.text import sentence_spans, word_spans
from fakenews.ui import render
from fakenews.verdict import VERDICTS

_PIECES = re.compile(r"\w+|\s+|[^\w\s]+")
_MOST_COMPARED = 1_000_000  # pairs of equal pieces looked at for what an edit kept: about 0.2 seconds


def edited(before: str, after: str, unit: render.Unit) -> str:
    """A text after its edits: what went is struck, what came is underlined, and what is left can be clicked away.

    A click tells the characters of `after` it is about as "start-end" in `data-open`.
    """
    spans = word_spans(after) if unit == "word" else sentence_spans(after)
    pieces = []
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    ends = np.cumsum([0, *map(len, new)]).tolist()
    i1 = j1 = 0
    for i2, j2, size in _kept(old, new):
        if i2 > i1:
            pieces.append(f'<del class="fn-gone">{escape("".join(old[i1:i2]))}</del>')
        if j2 > j1:
            pieces.append(f'<ins class="fn-came">{_clickable(after, ends[j1], ends[j2], spans)}</ins>')
        i1, j1 = i2 + size, j2 + size
        pieces.append(_clickable(after, ends[j2], ends[j1], spans))
    return f'<div class="fn-text fn-edit" lang="und" dir="auto">{"".join(pieces)}</div>'


def changes(found: WhatIf, titles: Mapping[str, str]) -> str:
    """What an edit did to every model, to be heard and as a table."""
    said = (
        f"{titles[a.model]}: {VERDICTS[a.verdict]}, {render.percent(a.p_fake)} fake, before {render.percent(b.p_fake)}."
        for b, a in zip(found.before, found.after, strict=True)
    )
    rows = [
        (
            "",
            (
                titles[b.model],
                render.percent(b.p_fake),
                render.percent(a.p_fake),
                f"{a.margin - b.margin:+.2f}",
                VERDICTS[a.verdict] + ("" if a.verdict == b.verdict else ", changed"),
            ),
        )
        for b, a in zip(found.before, found.after, strict=True)
    ]
    headers = [("Model", False), ("before", True), ("now", True), ("log-odds", True), ("Verdict now", False)]
    return (
        render.heard(" ".join(said))
        + render.table(headers, rows, "What the edit changed")
        + f'<p class="fn-meta">Probability of resembling the fake class; answered in {found.seconds:.2f} s.</p>'
    )


def flip(found: Counterfactual, text: str, title: str) -> str:
    """What the search for the smallest set of sentences found."""
    n, one = len(found.sentences), len(found.removed) == 1
    how = f"by beam search over {n} sentences, so a smaller set may exist"
    if found.exact:
        how = "no smaller set can exist" if one else f"every smaller set of the {n} sentences was tried"
    cost = f"{found.evaluations:,} variants, {found.seconds:.1f} s"
    if not found.removed:
        none = (
            "no set of sentences turns it round" if found.exact else "no set of sentences was found that turns it round"
        )
        return render.caption(f"{title}: {none} ({cost}).")
    told = (
        f"{title} turns round without {'one sentence' if one else f'{len(found.removed)} sentences'}, from "
        f"{render.percent(found.p_before)} to {render.percent(found.p_after)} fake; {how} ({cost})."
    )
    items = "".join(
        f"<li>{escape(text[found.sentences[i].start : found.sentences[i].end])}</li>" for i in found.removed
    )
    return f'{render.caption(told)}<ol class="fn-flip">{items}</ol>'


def _kept(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """What two lists of pieces share, in order: where it begins in either and how many pieces; the end of both is last.

    Words and marks are matched, and the space beside them kept where it is the same.
    """
    olds, news = ([i for i, piece in enumerate(pieces) if not piece.isspace()] for pieces in (old, new))
    joined = [(0, 0, 0)]
    for first, second, size in sorted(_matches([old[i] for i in olds], [new[j] for j in news])):
        for i, j in zip(olds[first : first + size], news[second : second + size], strict=True):
            for a, b in ((i - 1, j - 1), (i, j), (i + 1, j + 1)):
                if a < 0 or b < 0 or a >= len(old) or b >= len(new) or old[a] != new[b]:
                    continue
                i1, j1, n = joined[-1]
                if (a, b) == (i1 + n, j1 + n):
                    joined[-1] = (i1, j1, n + 1)
                elif a >= i1 + n and b >= j1 + n:
                    joined.append((a, b, 1))
    return [*joined, (len(old), len(new), 0)]


def _matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Stretches that two lists share, as `SequenceMatcher` finds them.

    Of lists that repeat few pieces that takes the cube of their length: after `_MOST_COMPARED` pairs, what lies between
    two stretches is not searched any further.
    """
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    tail = next((i for i in range(shortest - head) if old[-1 - i] != new[-1 - i]), shortest - head)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    times = Counter(new)
    pairs = np.cumsum([0, *(1 + times[piece] for piece in old)]).tolist()
    found = [(0, 0, head), (len(old) - tail, len(new) - tail, tail)]
    between, left = [(head, len(old) - tail, head, len(new) - tail)], _MOST_COMPARED
    for i1, i2, j1, j2 in between:
        left -= pairs[i2] - pairs[i1]
        if left < 0:
            break
        i, j, size = matcher.find_longest_match(i1, i2, j1, j2)
        if size:
            found.append((i, j, size))
            between += [(i1, i, j1, j), (i + size, i2, j + size, j2)]
    return found


def _clickable(text: str, first: int, last: int, spans: Sequence[Span]) -> str:
    """Characters `first` to `last` of a text, those inside a span on something that can be clicked."""
    pieces, place = [], first
    for span in spans[bisect_right(spans, first, key=lambda span: span.end) :]:
        if span.start >= last:
            break
        start, end = max(span.start, first), min(span.end, last)
        pieces.append(escape(text[place:start]))
        pieces.append(f'<span data-open="{span.start}-{span.end}">{escape(text[start:end])}</span>')
        place = end
    return "".join((*pieces, escape(text[place:last])))
