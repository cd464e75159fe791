"""Files to take away: one self-contained page, documented JSON, a CSV that spreadsheets do not run. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from fakenews.batch.spreadsheet import safe_cell, table_csv
from fakenews.explain.agreement import towards_fake
from fakenews.schema import Explanation
from fakenews.share.snapshot import Snapshot
from fakenews.ui import render_highlights, render_verdicts, render_words
from fakenews.ui.style import REPORT_CSS, document_style
from fakenews.ui.templates import draw

MEDIA = {"html": "text/html", "json": "application/json", "csv": "text/csv"}


def write(snapshot: Snapshot, format_: str) -> tuple[str, str]:
    """Return an analysis as a file: its content, and its media type with the character set.

    Parameters
    ----------
    format_ : {"html", "json", "csv"}
        JSON is `Snapshot.to_dict`; CSV has one line per word with its weight towards fake by every model.
    """
    writers = {"html": report, "json": _json, "csv": attributions_csv}
    return writers[format_](snapshot), f"{MEDIA[format_]}; charset=utf-8"


def file_name(snapshot: Snapshot, format_: str) -> str:
    """Return a name for the file, from the first words of the text where they are plain letters."""
    words = re.findall(r"[a-z0-9]+", snapshot.heading.lower())[:6]
    return f"{'-'.join(('fakenews', *words))}.{format_}"


def report(snapshot: Snapshot) -> Markup:
    """Draw the analysis as one page that needs nothing else: no script, no picture, nothing from the network."""
    titles = snapshot.titles
    words: str = ""
    if not snapshot.redacted and snapshot.explanations:
        words = render_words.top_words([(titles[e.classifier], e) for e in snapshot.explanations])
    content = draw(
        "page",
        "analysis",
        snapshot=snapshot,
        verdicts=render_verdicts.verdicts(snapshot.analysis, titles, snapshot.records),
        explanations=[_explained(snapshot, e) for e in snapshot.explanations],
        words=words,
        facts=made_with(snapshot),
    )
    return page(snapshot.heading or "An analysis", (content,))


def _explained(snapshot: Snapshot, explanation: Explanation) -> dict[str, str]:
    model, method = snapshot.titles[explanation.classifier], snapshot.titles[explanation.explainer]
    return {
        "model": model,
        "text": render_highlights.highlighted(explanation, "word", snapshot.unread, hint=False),
        "legend": render_highlights.key()
        + render_highlights.legend(explanation, model, method, bool(explanation.grade)),
    }


def made_with(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return versions of models and code, as rows."""
    rows = [(snapshot.titles.get(m, m), f"weights {revision}") for m, revision in snapshot.revisions.items()]
    return [*rows, *((name, f"version {version}") for name, version in snapshot.code.items())]


def attributions_csv(snapshot: Snapshot) -> str:
    """Return one line per word: where it stands, the word, and its weight towards fake in log-odds by every model."""
    places: dict[tuple[int, int], dict[str, float]] = {}
    names = [f"{e.classifier}_{e.explainer}" for e in snapshot.explanations]
    for name, explanation in zip(names, snapshot.explanations, strict=True):
        for a, weight in zip(explanation.attributions, towards_fake(explanation).tolist(), strict=True):
            places.setdefault((a.start, a.end), {})[name] = weight
    rows = [
        (start, end, safe_cell(snapshot.text[start:end]), *(weights.get(name, "") for name in names))
        for (start, end), weights in sorted(places.items())
    ]
    return table_csv(("start", "end", "word", *names), rows)


def page(title: str, parts: Sequence[Markup]) -> Markup:
    """Draw a whole document around markup, light or dark as the reader's screen is."""
    return draw("page", "document", title=title, style=document_style(REPORT_CSS), parts=parts)


def tables_page(title: str, meta: str, parts: Sequence[Markup]) -> Markup:
    """Draw a document about figures: heading, a line about them, and markup."""
    return page(title, (draw("page", "facts_page", title=title, meta=meta, content=parts),))


def as_json(values: Mapping[str, Any]) -> str:
    """Return JSON with line ends, ASCII only."""
    return json.dumps(values, indent=1, allow_nan=False) + "\n"


def _json(snapshot: Snapshot) -> str:
    return as_json(snapshot.to_dict())
