"""What the page shows of an explanation, pure: the tinted text, its key and its grade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from fakenews.classifiers.base import unread_spans
from fakenews.explain.agreement import by_sentence
from fakenews.schema import Explanation, Span
from fakenews.share.snapshot import HIDDEN
from fakenews.ui import render
from fakenews.ui.templates import draw

STEPS = (0.12, 0.22, 0.36, 0.52, 0.72)  # shares of the strongest weight from which a word has tint 1 to 5
FOCUSABLE = 4  # tints from here on can be reached with the keyboard
_GRADES = {
    "good": "words go in its order, and the score follows",
    "fair": "its order is well ahead of chance, and well behind the best one found",
    "poor": "its order says little more than chance",
}


class Piece(NamedTuple):
    """A stretch of the text, and how it is drawn."""

    text: str
    step: int = 0  # of tint; 0 for none
    side: str = ""
    weight: float = 0.0  # in log-odds, without its sign
    unread: bool = False


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
        Whether strong words can be reached with the keyboard and tell their weight; a third of the markup.
    """
    text = explanation.text
    if explanation.grade is not None and explanation.grade.level == "poor":
        return draw("highlights", "poor", text=text)
    attributions = explanation.attributions if unit == "word" else by_sentence(explanation)
    weights = {(a.start, a.end): a.weight for a in attributions}
    strongest = max((abs(w) for w in weights.values()), default=0.0)
    sides = {"fake": ("real", "fake"), "real": ("fake", "real")}[explanation.target]
    spans = {
        span: Piece(text[slice(*span)], strength(weight, strongest), sides[weight > 0], abs(weight))
        for span, weight in weights.items()
    }
    if unit == "word":
        for s in unread_spans(text) if unread is None else unread:
            spans[s.start, s.end] = Piece(text[s.start : s.end], unread=True)
    pieces: list[Piece] = []
    last = 0
    for start, end in sorted(spans):
        pieces += (Piece(text[last:start]), spans[start, end])
        last = end
    pieces.append(Piece(text[last:]))
    blocks = text.startswith(HIDDEN)
    return draw("highlights", "text", pieces=pieces, hint=hint, blocks=blocks, focusable=FOCUSABLE)


def plain(text: str) -> Markup:
    """Draw the user's text as it is, before its highlights are there."""
    return draw("parts", "text", content=text)


def strength(weight: float, strongest: float) -> int:
    """Return the tint of a weight, from 0 (no evidence) to 5 (the strongest words)."""
    share = abs(weight) / strongest if strongest > 0 else 0.0
    return sum(share >= s for s in STEPS)


def legend(explanation: Explanation, title: str, method_title: str) -> Markup:
    """Draw the key to the tints and one sentence on how they came about."""
    facts = [method_title]
    if evaluations := explanation.settings.get("evaluations"):
        facts.append(f"{evaluations} evaluations")
    if explanation.stability is not None:
        facts.append(f"ranking {explanation.stability:.2f} stable between halves of the samples")
    facts += [f"seed {explanation.seed}", f"{explanation.seconds:.1f} s"]
    if explanation.fidelity is not None:
        facts.append(f"the local model explains {explanation.fidelity:.2f} of the variance (R²)")
    elif explanation.residual is not None:
        missed = abs(explanation.residual)
        facts.append(
            "weights sum to the margin" if missed < 1e-3 else f"weights miss the margin by {missed:.2g} log-odds"
        )
    return draw("highlights", "legend", title=title, facts=facts)


def grade(explanation: Explanation, title: str) -> Markup:
    """Draw the badge of an explanation's faithfulness, and the numbers behind it."""
    meaning = _GRADES[explanation.grade.level] if explanation.grade else ""
    return draw("highlights", "grade", grade=explanation.grade, title=title, meaning=meaning)
