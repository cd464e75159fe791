"""Markup of an explanation, pure: the tinted text, its key and its grade."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fakenews.classifiers.base import unread_spans
from fakenews.explain.agreement import by_sentence
from fakenews.schema import Explanation, Span
from fakenews.share.snapshot import HIDDEN
from fakenews.ui import render

STEPS = (0.12, 0.22, 0.36, 0.52, 0.72)  # shares of the strongest weight from which a word has tint 1 to 5
FOCUSABLE = 4  # tints from here on can be reached with the keyboard
UNCOLOURED = (
    "Not coloured: taking words away in the order of this explanation moves the score hardly more than taking them "
    "away at random, so colours would mislead. Another method may do better."
)
UNGRADED = "Grade: none, because taking words away hardly moves this score."
NOT_READ = "Not read: it names the publisher or the file"


def highlighted(
    explanation: Explanation, unit: render.Unit = "word", unread: Sequence[Span] | None = None, hint: bool = True
) -> str:
    """The user's text with every read word, or sentence, tinted and underlined by its weight.

    Five strengths relative to the strongest; solid underline towards fake, dotted towards real, so the sign does not
    hang on colour. What cleaning removed is struck in grey: the models did not read it. An explanation graded poor is
    not coloured; a sentence above the text says why.

    Parameters
    ----------
    unread : sequence of Span, optional
        What is struck, where it was found before; looked up otherwise.
    hint : bool
        Whether strong words can be reached with the keyboard and tell their weight; a third of the markup.
    """
    text = explanation.text
    if explanation.grade is not None and explanation.grade.level == "poor":
        return f'<p class="fn-poor" role="note">{UNCOLOURED}</p>{plain(text)}'
    found = explanation.attributions if unit == "word" else by_sentence(explanation)
    weights = {(a.start, a.end): a.weight for a in found}
    strongest = max((abs(w) for w in weights.values()), default=0.0)
    towards = {"fake": ("fake", "real"), "real": ("real", "fake")}[explanation.target]
    pieces: list[str] = []
    last = 0
    marks: list[tuple[int, int, str]] = [
        (start, end, _mark(text[start:end], weight, strongest, towards, hint))
        for (start, end), weight in weights.items()
    ]
    marks += [
        (s.start, s.end, f'<del title="{NOT_READ}">{escape(text[s.start : s.end])}</del>')
        for s in (unread_spans(text) if unread is None else unread)
        if unit == "word"
    ]
    for start, end, markup in sorted(marks):
        pieces += (escape(text[last:start]), markup)
        last = end
    pieces.append(escape(text[last:]))
    blocks = " fn-blocks" if text.startswith(HIDDEN) else ""
    return f'<div class="fn-text{blocks}" lang="und" dir="auto">{"".join(pieces)}</div>'


def plain(text: str) -> str:
    """The user's text as it is, before its highlights are there."""
    return f'<div class="fn-text" lang="und" dir="auto">{escape(text)}</div>'


def strength(weight: float, strongest: float) -> int:
    """Tint from 0 (no evidence) to 5 (the strongest words) of a weight."""
    share = abs(weight) / strongest if strongest > 0 else 0.0
    return sum(share >= s for s in STEPS)


def legend(explanation: Explanation, title: str, method_title: str) -> str:
    """Key to the tints and one sentence on how they came about."""
    facts = [method_title]
    used = explanation.settings.get("evaluations")
    if used:
        facts.append(f"{used} evaluations")
    if explanation.stability is not None:
        facts.append(f"ranking {explanation.stability:.2f} stable between halves of the samples")
    facts.append(f"seed {explanation.seed}")
    facts.append(f"{explanation.seconds:.1f} s")
    if explanation.fidelity is not None:
        facts.append(f"the local model explains {explanation.fidelity:.2f} of the variance (R²)")
    elif explanation.residual is not None:
        missed = abs(explanation.residual)
        facts.append(
            "weights sum to the margin" if missed < 1e-3 else f"weights miss the margin by {missed:.2g} log-odds"
        )
    return (
        '<div class="fn-key"><span><mark class="fn-f3">solid</mark> towards fake</span>'
        '<span><mark class="fn-r3">dotted</mark> towards real</span>'
        "<span>stronger tint, stronger pull</span><span><del>struck</del> not read</span></div>"
        f'<p class="fn-meta">{escape(title)}: {escape(", ".join(facts))}.</p>'
    )


def grade(explanation: Explanation, title: str) -> str:
    """The badge of an explanation's faithfulness, and the numbers behind it."""
    found = explanation.grade
    if found is None:
        return f'<p class="fn-meta fn-grade">{UNGRADED}</p>'
    means = {
        "good": "words go in its order, and the score follows",
        "fair": "its order is well ahead of chance, and well behind the best one found",
        "poor": "its order says little more than chance",
    }[found.level]
    rows = [
        ("", ("this order", f"{found.comprehensiveness:.2f}", f"{found.sufficiency:.2f}")),
        ("", ("random orders", f"{found.random[0]:.2f}", f"{found.random[1]:.2f}")),
        ("", ("best order found", f"{found.best[0]:.2f}", f"{found.best[1]:.2f}")),
    ]
    numbers = render.table([("Log-odds lost", False), ("strongest go", True), ("they alone stay", True)], rows, "Grade")
    return (
        f'<details class="fn-grade"><summary><b class="fn-badge" data-level="{found.level}">{found.level}</b> '
        f"Faithfulness of {escape(title)}: {found.normalised:.2f}, where random orders have 0 and the best order found "
        f"has 1: {means}.</summary>{numbers}"
        '<p class="fn-meta">Means over the strongest 1, 5, 10, 20 and 50 % of the words (comprehensiveness and '
        "sufficiency, DeYoung et al. 2020; bounds as in Edin et al. 2024). The more the first column and the less the "
        "second, the better.</p></details>"
    )


def _mark(word: str, weight: float, strongest: float, towards: tuple[str, str], hint: bool) -> str:
    step = strength(weight, strongest)
    if not step:
        return escape(word)
    side = towards[0] if weight > 0 else towards[1]
    focus = ' tabindex="0"' if step >= FOCUSABLE else ""
    told = f'{focus} title="{abs(weight):.3f} log-odds towards {side}"' if hint else ""
    return f'<mark class="fn-{side[0]}{step}"{told}>{escape(word)}</mark>'
