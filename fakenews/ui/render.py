"""Pieces of the page that all tabs use, pure: the templates escape every piece of anybody's text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from markupsafe import Markup

from fakenews.ui.templates import draw

Unit = Literal["word", "sentence"]


def percent(p: float) -> str:
    """Return a probability in whole percent, never 0 or 100; below 1 and above 99 with one digit."""
    value = 100 * min(max(p, 0.001), 0.999)
    return f"{value:.1f}%" if value < 1 or value > 99 else f"{value:.0f}%"


def problem(sentence: str) -> Markup:
    """Draw a sentence about input that cannot be worked with, at the place where the result would stand."""
    return draw("parts", "problem", sentence=sentence)


def heard(sentence: str) -> Markup:
    """Draw a sentence that a screen reader says when it comes, and nobody sees: the page shows it in another way.

    It has to stand on the page before, empty: what comes together with its place is not said.
    """
    return draw("parts", "heard", sentence=sentence)


def done(sentence: str) -> Markup:
    """Draw what a press of a button came to; it is read out, and focus can be brought to it."""
    return draw("parts", "done", sentence=sentence)


def progress(what: str, share: float, seconds_left: float | None, stability: float | None = None) -> Markup:
    """Draw a line and a bar on work that is under way."""
    left = "" if seconds_left is None else f" · {_duration(max(seconds_left, 0.1))} left"
    left += "" if stability is None else f" · ranking {stability:.2f} stable"
    return draw("parts", "progress", what=what, share=share, left=left)


def status(sentence: str) -> Markup:
    """Draw one quiet line on the state of the highlights."""
    return draw("parts", "status", sentence=sentence)


def figures(cards: Iterable[tuple[str, str, str]]) -> Markup:
    """Draw metric cards: (value, name, interval) each."""
    return draw("parts", "figures", cards=cards)


def table(headers: Sequence[tuple[str, bool]], rows: Sequence[tuple[str, Sequence[str]]], label: str) -> Markup:
    """Draw a table whose first column opens its row.

    Parameters
    ----------
    headers : sequence of (title, numeric)
    rows : sequence of (key, cells)
        The key travels in `data-open`; without one the first cell is plain text.
    """
    return draw("parts", "table", headers=headers, rows=rows, label=label, keyed=True)


def caption(sentence: str) -> Markup:
    """Draw what a figure shows, in words, beneath it."""
    return draw("parts", "caption", sentence=sentence)


def paragraph(sentences: str) -> Markup:
    """Draw sentences that are to be read first."""
    return draw("parts", "paragraph", sentences=sentences)


def heading(title: str) -> Markup:
    """Draw the heading of a section."""
    return draw("parts", "heading", title=title)


def facts(rows: Iterable[tuple[str, Any]]) -> Markup:
    """Draw a definition list."""
    return draw("parts", "facts", rows=rows)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100.0 else f"{seconds / 60:.0f} min"
