"""Files to take away: one self-contained page, documented JSON, a CSV that spreadsheets do not run. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from fakenews.batch.spreadsheet import safe_cell
from fakenews.explain.agreement import towards_fake
from fakenews.share.snapshot import Snapshot
from fakenews.ui import render, render_highlights, render_verdicts, render_words
from fakenews.ui.style import CSS, REPORT_CSS

MEDIA = {"html": "text/html", "json": "application/json", "csv": "text/csv"}


def write(snapshot: Snapshot, format_: str) -> tuple[str, str]:
    """An analysis as a file: its content, and its media type with the character set.

    Parameters
    ----------
    format_ : {"html", "json", "csv"}
        JSON is `Snapshot.to_dict`; CSV has one line per word with its weight towards fake by every model.
    """
    writers = {"html": report, "json": _json, "csv": attributions_csv}
    return writers[format_](snapshot), f"{MEDIA[format_]}; charset=utf-8"


def file_name(snapshot: Snapshot, format_: str) -> str:
    """Name for the file, from the first words of the text where they are plain letters."""
    words = re.findall(r"[a-z0-9]+", snapshot.heading.lower())[:6]
    return f"{'-'.join(('fakenews', *words))}.{format_}"


def report(snapshot: Snapshot) -> str:
    """The analysis as one page that needs nothing else: no script, no picture, nothing from the network."""
    parts = [
        f"<h1>{escape(snapshot.heading) or 'An analysis without its text'}</h1>",
        render.caption(
            f"Analysed {snapshot.created[:16].replace('T', ' ')} UTC. A verdict says which class of the training data "
            "a text resembles. It is no statement on whether the text is true."
        ),
        render_verdicts.verdicts(snapshot.analysis, snapshot.titles, snapshot.records),
    ]
    for explanation in snapshot.explanations:
        model, method = snapshot.titles[explanation.classifier], snapshot.titles[explanation.explainer]
        parts.append(f"<section><h2>Why, by {escape(model)}</h2>")
        parts.append(render_highlights.highlighted(explanation, "word", snapshot.unread, hint=False))
        parts.append(render_highlights.legend(explanation, model, method))
        parts.append((render_highlights.grade(explanation, method) if explanation.grade else "") + "</section>")
    if not snapshot.redacted and snapshot.explanations:
        parts.append(render_words.top_words([(snapshot.titles[e.classifier], e) for e in snapshot.explanations]))
    parts.append("<h2>Made with</h2>")
    parts.append(render.facts(made_with(snapshot)))
    return page(snapshot.heading or "An analysis", parts)


def made_with(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Versions of models and code, as rows."""
    rows = [(snapshot.titles.get(m, m), f"weights {revision}") for m, revision in snapshot.revisions.items()]
    return [*rows, *((name, f"version {version}") for name, version in snapshot.code.items())]


def attributions_csv(snapshot: Snapshot) -> str:
    """One line per word: where it stands, the word, and its weight towards fake in log-odds by every model."""
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


def table_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """CSV with a header; texts are the caller's to make safe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def page(title: str, parts: Sequence[str]) -> str:
    """A whole document around markup, light or dark as the reader's screen is."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
        "<meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)} — fakenews</title><style>{_style()}</style></head>"
        f'<body class="gradio-container fn-report">{"".join(parts)}</body></html>'
    )


def tables_page(title: str, meta: str, parts: Sequence[str]) -> str:
    """A document about figures: heading, a line about them, and markup."""
    return page(title, (f"<h1>{escape(title)}</h1>", render.caption(meta), *parts))


def as_json(values: Mapping[str, Any]) -> str:
    """JSON with line ends, ASCII only."""
    return json.dumps(values, indent=1, allow_nan=False) + "\n"


def _json(snapshot: Snapshot) -> str:
    return as_json(snapshot.to_dict())


@cache
def _style() -> str:
    """The page's style sheet without what only Gradio's components need, the dark palette by the reader's choice."""
    css = CSS.read_text(encoding="utf-8") + REPORT_CSS.read_text(encoding="utf-8")
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    dark = re.search(r"^\.dark \{(.*?)^\}", css, re.M | re.S)
    assert dark is not None
    kept = _useful(css.replace(dark.group(), "", 1))
    kept += f"@media(prefers-color-scheme:dark){{:root{{{dark.group(1)}}}}}"
    return re.sub(r"\s+", " ", kept).replace("</", "<\\/")


def _useful(css: str) -> str:
    """Rules of a style sheet that a document without Gradio's components can use, blocks of rules looked into."""
    kept = []
    for head, body in re.findall(r"([^{}]+)\{((?:[^{}]|\{[^{}]*\})*)\}", css):
        if "{" in body and not head.strip().startswith("@keyframes"):
            body = _useful(body)
        elif re.match(r"\s*(?:#|[^{]*(?:tab-wrapper|plotly|modebar|gradio-app|fillable))", head):
            continue
        if body.strip():
            kept.append(f"{head.strip()}{{{body}}}")
    return "".join(kept)
