"""What is looked at in the Dataset tab as a file: a page, JSON or CSV."""

from __future__ import annotations

import re

from markupsafe import Markup

from fakenews.batch.spreadsheet import safe_cell
from fakenews.engine import Engine
from fakenews.evidence.protocols import PROTOCOLS
from fakenews.metrics.evaluation import Evaluation, predict_labels
from fakenews.reporting.digits import METRIC_NAMES, Metric, metric_text
from fakenews.schema import LABELS
from fakenews.ui import export, lists, reading, render
from fakenews.ui.measured import AS_SHIPPED, ERRORS, THRESHOLD, Looked
from fakenews.ui.share import pack
from fakenews.ui.templates import draw

CARDS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")


def cards(result: Evaluation) -> Markup:
    """Draw the four figures with their intervals."""
    texts = [(metric_text(result, name), name) for name in CARDS]
    return render.figures([(text.value, METRIC_NAMES[name], text.interval) for text, name in texts])


def packed(engine: Engine, looked: Looked, format_: str) -> str:
    """Return the file for the browser: name, media type and content; a threshold of one's own stands in each."""
    writers = {"html": _page, "json": _json, "csv": _csv}
    view = looked.view
    parts = ["fakenews", view.corpus, view.split, view.model]
    parts += [view.protocol] if view.protocol != AS_SHIPPED else []
    parts += [view.by, *re.findall(r"[\w-]+", view.part)] if looked.sliced else []
    name = "-".join(parts)
    name += f"-from-{view.threshold:.2f}" if view.threshold != THRESHOLD else ""
    content = writers[format_](engine, looked)
    return pack(f"{name}.{format_}", f"{export.MEDIA[format_]}; charset=utf-8", content)


def _csv(engine: Engine, looked: Looked) -> str:
    frame, view, threshold = looked.scored.frame, looked.view, looked.view.threshold
    titles = [safe_cell(str(t)) for t in frame["title"]] if looked.scored.has_text else [""] * len(frame)
    true, predicted = ([LABELS[int(i)] for i in y] for y in (looked.labels, predict_labels(looked.p_fake, threshold)))
    columns = {"id": frame["id"], "title": titles, "label": true, "predicted": predicted, "p_fake": looked.p_fake}
    columns["protocol"] = [view.protocol] * len(frame)
    columns["part"] = [safe_cell(view.part) if looked.sliced else ""] * len(frame)
    if threshold != THRESHOLD:
        columns["threshold"] = [threshold] * len(frame)
    return export.table_csv(tuple(columns), list(zip(*map(list, columns.values()), strict=True)))


def _json(engine: Engine, looked: Looked) -> str:
    pickers = {key: getattr(looked.view, key) for key in ("corpus", "split", "model", "protocol", "by", "part")}
    kind = {"schema": 1, "kind": "fakenews evaluation"}
    return export.as_json({**kind, **pickers, "evaluation": looked.result.to_dict()})


def _page(engine: Engine, looked: Looked) -> str:
    view, result = looked.view, looked.result
    (ff, fr), (rf, rr) = result.confusion_matrix
    rows = [cells for _, cells in lists.rows(looked, lists.chosen(looked, ERRORS)[: lists.ROWS])]
    content = draw(
        "dataset",
        "file",
        cards=cards(result),
        reading=reading.verdict(engine, looked),
        matrix=[("fake", f"{ff:,}", f"{fr:,}"), ("real", f"{rf:,}", f"{rr:,}")],
        title=lists.CELLS[ERRORS],
        n_shown=len(rows),
        n_errors=fr + rf,
        headers=lists.headers(looked),
        rows=rows,
    )
    of = f"weights {engine.pool.revision(view.model)}"
    if view.protocol != AS_SHIPPED:
        of = f"protocol “{PROTOCOLS[view.protocol].title}”"
    meta = f"{result.n:,} articles, split “{view.split}”, {of}."
    return export.tables_page(f"{engine.pool.title(view.model)} on {reading.title_of(view.corpus)}", meta, (content,))
