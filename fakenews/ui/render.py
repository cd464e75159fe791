"""Pieces of markup that all tabs use, pure. Every piece of anybody's text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Literal

Unit = Literal["word", "sentence"]


def percent(p: float) -> str:
    """Probability as whole per cents, never 0 or 100; below 1 and above 99 with one digit."""
    value = 100 * min(max(p, 0.001), 0.999)
    return f"{value:.1f} %" if value < 1 or value > 99 else f"{value:.0f} %"


def problem(sentence: str) -> str:
    """A sentence about input that cannot be worked with, at the place where the result would stand."""
    return f'<p class="fn-problem" role="alert">{escape(sentence)}</p>'


def heard(sentence: str) -> str:
    """A sentence that a screen reader says when it comes, and nobody sees: the page shows the same in another way.

    It has to stand on the page before, empty: what comes together with its place is not said.
    """
    return f'<p class="fn-sr" role="status">{escape(sentence)}</p>'


def progress(what: str, share: float, seconds_left: float | None, stability: float | None = None) -> str:
    """A line and a bar on work that is under way."""
    left = "" if seconds_left is None else f" · {_duration(max(seconds_left, 0.1))} left"
    left += "" if stability is None else f" · ranking {stability:.2f} stable"
    return (
        f'<div class="fn-progress" role="status"><span>{escape(what)} {100 * share:.0f} %{left}</span>'
        f'<progress max="1" value="{share:.3f}" aria-label="{escape(what)}"></progress></div>'
    )


def status(sentence: str) -> str:
    """One quiet line on the state of the highlights."""
    return f'<div class="fn-progress" role="status"><span>{escape(sentence)}</span></div>'


def figures(cards: Iterable[tuple[str, str, str]]) -> str:
    """Metric cards: (value, name, interval) each."""
    items = "".join(
        f"<div><b>{escape(value)}</b><small>{escape(name)}{', ' + escape(interval) if interval else ''}</small></div>"
        for value, name, interval in cards
    )
    return f'<div class="fn-figs">{items}</div>'


def table(headers: Sequence[tuple[str, bool]], rows: Sequence[tuple[str, Sequence[str]]], label: str) -> str:
    """A table whose first column opens its row.

    Parameters
    ----------
    headers : sequence of (title, numeric)
    rows : sequence of (key, cells)
        The key travels in `data-open`; without one the first cell is plain text.
    """
    head = "".join(f'<th scope="col"{" class=n" if numeric else ""}>{escape(title)}</th>' for title, numeric in headers)
    body = []
    for key, cells in rows:
        first = (
            f'<button type="button" data-open="{escape(key)}">{escape(cells[0])}</button>' if key else escape(cells[0])
        )
        rest = "".join(
            f"<td{' class=n' if numeric else ''}>{escape(cell)}</td>"
            for cell, (_, numeric) in zip(cells[1:], headers[1:], strict=True)
        )
        body.append(f"<tr><td>{first}</td>{rest}</tr>")
    return wrapped(
        label,
        f'<table class="fn-table"><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>',
    )


def wrapped(label: str, table: str) -> str:
    """A table's markup in a region of that name, which scrolls where the page is too narrow for it."""
    return f'<div class="fn-tablewrap" tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>'


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100.0 else f"{seconds / 60:.0f} min"


def caption(sentence: str) -> str:
    """What a figure shows, in words, beneath it."""
    return f'<p class="fn-meta">{escape(sentence)}</p>'


def facts(rows: Iterable[tuple[str, Any]]) -> str:
    """A definition list."""
    return (
        '<dl class="fn-facts">' + "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in rows) + "</dl>"
    )
