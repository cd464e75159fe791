"""The About tab: what this is, what it cannot do, what happens to a pasted text, how the models were made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from markupsafe import Markup

from fakenews.classifiers.base import Calibration
from fakenews.data.registry import DATASETS
from fakenews.engine import Engine
from fakenews.reporting.digits import METRIC_NAMES, Metric, metric_text, size_text
from fakenews.share.store import DAYS
from fakenews.ui.templates import draw
from fakenews.verdict import MIN_WORDS

MAX_DAYS = DAYS[-1]
_COLUMNS: tuple[Metric, ...] = ("accuracy", "roc_auc", "ece")


def build(engine: Engine) -> None:
    """Draw the tab inside the current one."""
    gr.HTML(page(engine), elem_id="fn-about")


def page(engine: Engine) -> Markup:
    """Draw the text of the tab, with figures from the committed evaluations."""
    headers = [("Corpus", False), ("Model", False), ("n", True), *((METRIC_NAMES[c], True) for c in _COLUMNS)]
    texts = {"headers": headers, "results": _results(engine), "models": _models(engine)}
    return draw("about", "page", min_words=MIN_WORDS, max_days=MAX_DAYS, **texts)


def _results(engine: Engine) -> list[tuple[str, ...]]:
    rows = []
    for model in engine.pool.defaults:
        evidence = engine.evidence.evaluation(model)
        if evidence is None:
            continue
        tests = [
            (name.removesuffix("/test"), e, True) for name, e in evidence.corpora.items() if name.endswith("/test")
        ]
        for corpus, result, own in (*tests, *((name, e, False) for name, (e, _) in evidence.unseen.items())):
            title = DATASETS[corpus].title if corpus in DATASETS else corpus
            part = f"{title}, unseen part" if own else f"{title}, not trained on"
            cells = (part, engine.pool.title(model), f"{result.n:,}", *(str(metric_text(result, c)) for c in _COLUMNS))
            rows.append((list(DATASETS).index(corpus) if corpus in DATASETS else 99, cells))
    return [cells for _, cells in sorted(rows, key=lambda row: row[0])]


def _models(engine: Engine) -> list[tuple[str, list[tuple[str, Any]]]]:
    models = []
    for model in engine.pool.models:
        evidence = engine.evidence.evaluation(model)
        if evidence is None:
            continue
        training = evidence.training
        facts = [
            ("made by", training.get("recipe", "")),
            ("from", training.get("base", "scratch")),
            ("rows", training.get("rows", "")),
            ("training", f"{training.get('minutes', '?')} minutes on {training.get('device', '?')}"),
            ("size", size_text(evidence.size_mb)),
            ("one article", f"{evidence.latency_ms:.0f} ms" if evidence.latency_ms else "not measured"),
            ("calibration", _calibration(evidence.calibration)),
        ]
        models.append((engine.pool.title(model), facts))
    return models


def _calibration(values: Mapping[str, Any]) -> str:
    calibration = Calibration.from_dict(values)
    text = f"slope {calibration.slope:.2f}, shift {calibration.shift:+.2f}"
    if calibration.slope_in_domain or calibration.shift_in_domain:
        text += f"; in-domain {calibration.slope_in_domain:+.2f}, {calibration.shift_in_domain:+.2f}"
    return text
