"""What the page shows of a text under edits, pure: what went and came, the new answers, the counterfactual."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from fakenews.engine.values import WhatIf
from fakenews.explain.counterfactual import Counterfactual
from fakenews.schema import Span
from fakenews.text import sentence_spans, word_spans
from fakenews.ui import render
from fakenews.ui.templates import draw
from fakenews.verdict import VERDICTS

_PIECES = re.compile(r"\w+|\s+|[^\w\s]+")
_MOST_COMPARED = 1_000_000  # pairs of equal pieces looked at for what an edit kept: about 0.2 seconds


class Piece(NamedTuple):
    """A stretch of an edited text: struck, or in parts of which those with a key can be clicked away."""

    struck: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    is_new: bool = False


def edited(before: str, after: str, unit: render.Unit) -> Markup:
    """Draw a text after its edits: what went is struck, what came underlined, and what is left can be clicked away.

    A click tells the characters of `after` it is about as "start-end" in `data-open`.
    """
    spans = word_spans(after) if unit == "word" else sentence_spans(after)
    pieces = []
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    ends = np.cumsum([0, *map(len, new)]).tolist()
    i1 = j1 = 0
    for i2, j2, size in _shared(old, new):
        if i2 > i1:
            pieces.append(Piece(struck="".join(old[i1:i2])))
        if j2 > j1:
            pieces.append(Piece(parts=_clickable(after, ends[j1], ends[j2], spans), is_new=True))
        i1, j1 = i2 + size, j2 + size
        pieces.append(Piece(parts=_clickable(after, ends[j2], ends[j1], spans)))
    return draw("edits", "edited", pieces=pieces)


def changes(answer: WhatIf, titles: Mapping[str, str]) -> Markup:
    """Draw what an edit did to every model, to be heard and as a table."""
    sentences, rows = [], []
    for b, a in zip(answer.before, answer.after, strict=True):
        before, now, verdict = render.percent(b.p_fake), render.percent(a.p_fake), VERDICTS[a.verdict]
        sentences.append(f"{titles[a.model]}: {verdict}, {now} fake, before {before}.")
        changed = "" if a.verdict == b.verdict else ", changed"
        rows.append((titles[b.model], before, now, f"{a.margin - b.margin:+.2f}", verdict + changed))
    return draw("edits", "changes", sentences=sentences, rows=rows, seconds=answer.seconds)


def flip(counterfactual: Counterfactual, text: str, title: str) -> Markup:
    """Draw what the search for the smallest set of sentences found."""
    sentences, removed = counterfactual.sentences, counterfactual.removed
    n, one, exact = len(sentences), len(removed) == 1, counterfactual.exact
    how = f"by beam search over {n} sentences, so a smaller set may exist"
    if exact:
        how = "no smaller set can exist" if one else f"every smaller set of the {n} sentences was tried"
    cost = f"{counterfactual.evaluations:,} variants, {counterfactual.seconds:.1f} s"
    if removed:
        sentence = (
            f"{title} flips without {'one sentence' if one else f'{len(removed)} sentences'}, "
            f"from {render.percent(counterfactual.p_before)} to {render.percent(counterfactual.p_after)} fake; "
            f"{how} ({cost})."
        )
    else:
        none = "no set of sentences flips it" if exact else "no set of sentences was found that flips it"
        sentence = f"{title}: {none} ({cost})."
    cut = [text[sentences[i].start : sentences[i].end] for i in removed]
    return draw("edits", "flip", sentence=sentence, removed=cut)


def _shared(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Return what two lists of pieces share, in order: its beginning in either and its length; the end of both is last.

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
    """Return the stretches that two lists share, as `SequenceMatcher` finds them.

    Of lists that repeat few pieces that takes the cube of their length: after `_MOST_COMPARED` pairs, what lies between
    two stretches is not searched any further.
    """
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    tail = next((i for i in range(shortest - head) if old[-1 - i] != new[-1 - i]), shortest - head)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    times = Counter(new)
    pairs = np.cumsum([0, *(1 + times[piece] for piece in old)]).tolist()
    matches = [(0, 0, head), (len(old) - tail, len(new) - tail, tail)]
    between, left = [(head, len(old) - tail, head, len(new) - tail)], _MOST_COMPARED
    for i1, i2, j1, j2 in between:
        left -= pairs[i2] - pairs[i1]
        if left < 0:
            break
        i, j, size = matcher.find_longest_match(i1, i2, j1, j2)
        if size:
            matches.append((i, j, size))
            between += [(i1, i, j1, j), (i + size, i2, j + size, j2)]
    return matches


def _clickable(text: str, first: int, last: int, spans: Sequence[Span]) -> tuple[tuple[str, str], ...]:
    """Return characters `first` to `last` of a text in parts, those inside a span with its characters as a key."""
    parts, offset = [], first
    for span in spans[bisect_right(spans, first, key=lambda span: span.end) :]:
        if span.start >= last:
            break
        start, end = max(span.start, first), min(span.end, last)
        parts += [(text[offset:start], ""), (text[start:end], f"{span.start}-{span.end}")]
        offset = end
    return (*parts, (text[offset:last], ""))
