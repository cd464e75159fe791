"""What is looked at in the Dataset tab as a file: a page, JSON or CSV."""

from __future__ import annotations

import re
from collections.abc import Collection

from markupsafe import Markup

from fakenews.batch.spreadsheet import safe_cell, table_csv
from fakenews.engine import Engine
from fakenews.evidence.protocols import PROTOCOLS
from fakenews.metrics.evaluation import Evaluation, predict_labels
from fakenews.reporting.digits import METRIC_NAMES, METRIC_NOTES, Metric, metric_text, share_text
from fakenews.schema import LABELS
from fakenews.ui import export, lists, reading
from fakenews.ui.measured import AS_SHIPPED, ERRORS, THRESHOLD, Looked
from fakenews.ui.share import pack
from fakenews.ui.templates import draw

CARDS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
ALL_ROWS = "Export articles (CSV)"


def cards(result: Evaluation) -> Markup:
    """Draw the four figures with their intervals."""
    texts = [(metric_text(result, name), name) for name in CARDS]
    figures = [
        (text.value, METRIC_NAMES[name].removesuffix(" (ECE)"), text.interval, METRIC_NOTES[name])
        for text, name in texts
    ]
    return draw("dataset", "figures", cards=figures)


def matrix(result: Evaluation, selected: str = "", live: bool = True) -> Markup:
    """Draw the confusion matrix: counts and row shares, rows true; `live` cells can be clicked and carry their key."""
    rows = [
        (label, [(f"{i},{j}", f"{n:,}", share_text(n, sum(row))) for j, n in enumerate(row)])
        for i, (label, row) in enumerate(zip(LABELS, result.confusion_matrix, strict=True))
    ]
    return draw("dataset", "matrix", labels=LABELS, rows=rows, selected=selected, live=live)


def packed(
    engine: Engine,
    looked: Looked,
    format_: str,
    title: str,
    others: lists.Probabilities,
    selected: Collection[str] = (),
) -> str:
    """Return the file for the browser: name, media type and content; a threshold of one's own stands in each.

    `title` and `others` are as `lists.table` takes them; `selected` are ids to which a CSV is limited.
    """
    view = looked.view
    parts = ["fakenews", view.corpus, view.split, view.model]
    parts += [view.protocol] if view.protocol != AS_SHIPPED else []
    parts += [view.by, *re.findall(r"[\w-]+", view.part)] if looked.sliced else []
    name = "-".join(parts)
    name += f"-from-{view.threshold:.2f}" if view.threshold != THRESHOLD else ""
    if format_ == "csv":
        name, content = name + ("-selected" if selected else ""), _csv(looked, selected)
    else:
        content = _page(engine, looked, title, others) if format_ == "html" else _json(looked)
    return pack(f"{name}.{format_}", f"{export.MEDIA[format_]}; charset=utf-8", content)


def _csv(looked: Looked, selected: Collection[str]) -> str:
    frame, view, threshold = looked.scored.frame, looked.view, looked.view.threshold
    titles = [safe_cell(str(t)) for t in frame["title"]] if looked.scored.has_text else [""] * len(frame)
    true, predicted = ([LABELS[int(i)] for i in y] for y in (looked.labels, predict_labels(looked.p_fake, threshold)))
    columns = {"id": frame["id"], "title": titles, "label": true, "predicted": predicted, "p_fake": looked.p_fake}
    columns["protocol"] = [view.protocol] * len(frame)
    columns["part"] = [safe_cell(view.part) if looked.sliced else ""] * len(frame)
    if threshold != THRESHOLD:
        columns["threshold"] = [threshold] * len(frame)
    rows = list(zip(*map(list, columns.values()), strict=True))
    return table_csv(tuple(columns), [row for row in rows if not selected or str(row[0]) in selected])


def _json(looked: Looked) -> str:
    pickers = {key: getattr(looked.view, key) for key in ("corpus", "split", "model", "protocol", "by", "part")}
    kind = {"schema": 1, "kind": "fakenews evaluation"}
    return export.as_json({**kind, **pickers, "evaluation": looked.result.to_dict()})


def _page(engine: Engine, looked: Looked, title: str, others: lists.Probabilities) -> str:
    view, result = looked.view, looked.result
    shown = lists.chosen(looked, ERRORS)
    content = draw(
        "dataset",
        "file",
        cards=cards(result),
        reading=reading.verdict(engine, looked),
        matrix=matrix(result, live=False),
        title=lists.CELLS[ERRORS],
        n_shown=min(len(shown), lists.ROWS),
        n_errors=len(shown),
        articles=lists.table(looked, shown[: lists.ROWS], title, others, live=False),
    )
    of = f"weights {engine.pool.revision(view.model)}"
    if view.protocol != AS_SHIPPED:
        of = f"protocol “{PROTOCOLS[view.protocol].title}”"
    meta = f"{result.n:,} articles, split “{view.split}”, {of}."
    return export.tables_page(f"{title} on {reading.title_of(view.corpus)}", meta, (content,))
