"""What the page shows of an explanation, pure: the tinted article, and how good its explanation is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from fakenews.classifiers.base import unread_spans
from fakenews.explain.agreement import by_sentence
from fakenews.formatting import title_and_body
from fakenews.schema import Attribution, Explanation, Span
from fakenews.share.snapshot import HIDDEN
from fakenews.ui import render
from fakenews.ui.templates import draw

STEPS = (0.12, 0.22, 0.36, 0.52, 0.72)  # shares of the strongest weight from which a word has tint 1 to 5
_GRADES = {
    "good": "words go in its order, and the score follows",
    "fair": "its order is well ahead of chance, and well behind the best one found",
    "poor": "its order says little more than chance",
}


class Piece(NamedTuple):
    """A stretch of the text, and how it is drawn."""

    text: str
    key: str = ""  # "start-end" of a word or sentence that was read; others cannot be picked
    step: int = 0  # of tint; 0 for none
    weight: float = 0.0  # in log-odds towards fake
    rank: int = 0  # by strength, from 1; 0 where the weight is not to be told
    unread: bool = False
    words: tuple[tuple[str, str], ...] = ()  # of a sentence: stretches, and keys of those that are words


def highlighted(
    explanation: Explanation, unit: render.Unit = "word", unread: Sequence[Span] | None = None, hint: bool = True
) -> Markup:
    """Draw the user's text with every read word, or sentence, tinted and underlined by its weight.

    Five strengths relative to the strongest; solid underline towards fake, dotted towards real, so the sign does not
    hang on color. What cleaning removed is struck in gray: the models did not read it. An explanation graded poor is
    not colored; a sentence above the text says why.

    Parameters
    ----------
    unread : sequence of Span, optional
        What is struck, where it was found before; looked up otherwise.
    hint : bool
        Whether the script `words` can find words by their characters and tell their weights; half of the markup.
    """
    text = explanation.text
    is_poor = explanation.grade is not None and explanation.grade.level == "poor"
    sign = 1.0 if explanation.target == "fake" else -1.0
    attributions = explanation.attributions if unit == "word" else by_sentence(explanation)
    strongest = 0.0 if is_poor else max((abs(a.weight) for a in attributions), default=0.0)
    ranks = {a: i for i, a in enumerate(sorted(attributions, key=lambda a: -abs(a.weight)), 1)}
    spans = {}
    for a in attributions:
        rank, weight = (0, 0.0) if is_poor else (ranks[a], sign * a.weight)
        words = _words(explanation, a) if hint and unit == "sentence" else ()
        key = f"{a.start}-{a.end}"
        spans[a.start, a.end] = Piece(
            text[a.start : a.end], key, strength(weight, strongest), weight, rank, words=words
        )
    if unit == "word":
        for s in unread_spans(text) if unread is None else unread:
            spans[s.start, s.end] = Piece(text[s.start : s.end], unread=True)
    return _text(text, spans, hint=hint, poor=is_poor, n=len(attributions), unit=unit)


def plain(text: str) -> Markup:
    """Draw the user's text as it is, before its highlights are there."""
    return _text(text, {}, hint=False, poor=False, n=0, unit="word")


def strength(weight: float, strongest: float) -> int:
    """Return the tint of a weight, from 0 (no evidence) to 5 (the strongest words)."""
    share = abs(weight) / strongest if strongest > 0 else 0.0
    return sum(share >= s for s in STEPS)


def key() -> Markup:
    """Draw what tints and underlines mean."""
    return draw("highlights", "key")


def legend(explanation: Explanation, title: str, method_title: str, graded: bool = True) -> Markup:
    """Draw the method, how long it took and its grade in one line, and behind it how it came about.

    Parameters
    ----------
    graded : bool
        Whether its grade, or that it has none, is known yet.
    """
    facts = []
    if evaluations := explanation.settings.get("evaluations"):
        facts.append(f"{evaluations} evaluations")
    if explanation.stability is not None:
        facts.append(f"ranking {explanation.stability:.2f} stable between halves of the samples")
    facts += [f"seed {explanation.seed}", f"{explanation.seconds:.1f} s"]
    if explanation.fidelity is not None:
        facts.append(f"the local model explains {explanation.fidelity:.2f} of the variance (R²)")
    elif explanation.residual is not None:
        missed = abs(explanation.residual)
        facts.append("weights sum to the log-odds" if missed < 1e-3 else f"weights miss the log-odds by {missed:.2g}")
    meaning = _GRADES[explanation.grade.level] if explanation.grade else ""
    return draw(
        "highlights", "legend", title=title, method=method_title, seconds=explanation.seconds, facts=facts,
        grade=explanation.grade, meaning=meaning, graded=graded,
    )  # fmt: skip


def _text(text: str, spans: Mapping[tuple[int, int], Piece], **settings: Any) -> Markup:
    """Draw a text, its title apart, in these pieces and what lies between them."""
    head = title_and_body(text)[0]
    title, body = len(head.rstrip()), len(head)
    parts: list[list[Piece]] = [[], [], []]  # of the title, of the line ends after it, and of the rest
    last = 0
    for start, end in (*sorted(spans), (len(text), len(text))):
        if last < body <= start:
            parts[0].append(Piece(text[last:title]))
            parts[1].append(Piece(text[max(last, title) : body]))
            last = body
        parts[0 if start < title else 2] += (Piece(text[last:start]), spans.get((start, end), Piece("")))
        last = end
    return draw("highlights", "text", parts=parts, blocks=text.startswith(HIDDEN), **settings)


def _words(explanation: Explanation, sentence: Attribution) -> tuple[tuple[str, str], ...]:
    """Return a sentence in stretches, each word with its key."""
    text, parts, last = explanation.text, [], sentence.start
    for a in explanation.attributions:
        if sentence.start <= a.start and a.end <= sentence.end:
            parts += [(text[last : a.start], ""), (text[a.start : a.end], f"{a.start}-{a.end}")]
            last = a.end
    return (*parts, (text[last : sentence.end], ""))
