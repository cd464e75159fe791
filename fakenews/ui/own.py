"""A labelled table of the visitor's own, scored live by both models; it is kept nowhere."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from fakenews.data.table import read_table
from fakenews.evaluate.digits import METRIC_NAMES, Metric, metric_text, share_text
from fakenews.evaluate.error_analysis import misclassified
from fakenews.evaluate.metrics import evaluate
from fakenews.schema import LABELS
from fakenews.services import Services
from fakenews.ui import render

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.evaluate.metrics import Evaluation

logger = logging.getLogger(__name__)

MAX_ROWS = 1000  # minutes of work for both models; larger tables belong on the command line
ERRORS_SHOWN = 20
SUFFIXES = (".csv", ".jsonl", ".parquet")
_METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
SORRY = "This file could not be scored; something went wrong on our side."


class OwnTable:
    """Handlers of the section; `build` draws and wires it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.models = services.models[:2]

    def score(self, path: str | None, progress: Any = None) -> str:
        """Markup of what both models reached on the file, or the sentence that says why there is nothing."""
        if path is None:
            return ""
        try:
            frame = read_table(Path(path))
        except (ValueError, OSError) as error:
            return render.problem(_without_folder(str(error), Path(path)))
        if len(frame) > MAX_ROWS:
            return render.problem(
                f"This table has {len(frame):,} rows; up to {MAX_ROWS:,} are scored here. For more, run "
                "«fakenews evaluate --model tfidf --data TABLE» on a machine of yours."
            )
        try:
            return self._result(frame, progress)
        except Exception as error:
            logger.error("scoring a table failed: %s", type(error).__name__)  # its message could quote an article
            return render.problem(SORRY)

    def _result(self, frame: pd.DataFrame, progress: Any) -> str:
        from fakenews.evaluate.evidence import predict_frame

        labels = frame["label"].to_numpy()
        scores = {}
        for i, model in enumerate(self.models):

            def report(what: str, share: float, i: int = i, model: str = model) -> None:
                if progress:
                    progress((i + share) / len(self.models), desc=f"Scoring with {self.services.title(model)}")

            rows = predict_frame(self.services.classifier(model), frame, "own", "all", report)
            scores[model] = rows["p_fake"].to_numpy()
        results = {model: evaluate(labels, p) for model, p in scores.items()}
        return self._figures(results) + self._errors(frame, scores)

    def _figures(self, results: dict[str, Evaluation]) -> str:
        one_class = next(iter(results.values())).roc_auc is None
        headers = [("Model", False), *((METRIC_NAMES[m], True) for m in _METRICS)]
        headers += [(f"{label} articles recognised", True) for label in LABELS]
        rows = []
        for model, result in results.items():
            cells = [str(metric_text(result, m)) for m in _METRICS]
            cells += [share_text(row[i], sum(row)) for i, row in enumerate(result.confusion_matrix)]
            rows.append(("", (self.services.title(model), *cells)))
        n = next(iter(results.values())).n
        note = " It holds one class only, so nothing can be said of the other." if one_class else ""
        return f'<p class="fn-read">{n:,} articles scored.{note}</p>' + render.table(headers, rows, "Your table")

    def _errors(self, frame: pd.DataFrame, scores: dict[str, Any]) -> str:
        labels = frame["label"].to_numpy()
        wrong = {model: set(misclassified(labels, p).tolist()) for model, p in scores.items()}
        both = sorted(set.intersection(*wrong.values()))
        order = sorted(both, key=lambda i: -sum(abs(p[i] - 0.5) for p in scores.values()))[:ERRORS_SHOWN]
        counts = f"{len(both):,} read by every model like the other class"
        if len(both) > ERRORS_SHOWN:
            counts += f", the {ERRORS_SHOWN} most confident shown"
        heading = f'<p class="fn-meta">{counts}.</p>'
        if not order:
            return heading
        headers = [("Article", False), ("Label", False), *((self.services.title(m), True) for m in scores)]
        rows = []
        for i in order:
            row = frame.iloc[i]
            name = str(row["title"]).strip() or f"{str(row['text'])[:70].strip()}…"
            rows.append(
                ("", (name, LABELS[labels[i]], *(f"{render.percent(float(p[i]))} fake" for p in scores.values())))
            )
        return heading + render.table(headers, rows, "Articles that every model misread")


def build(services: Services) -> None:
    """Draw the section inside the current tab and wire it."""
    tab = OwnTable(services)
    with gr.Accordion("Score a table of your own", open=False, elem_id="fn-own"):
        gr.HTML(
            '<p class="fn-meta">A CSV, JSON lines or parquet file with the columns <b>text</b> and <b>label</b> '
            f"(0 or fake, 1 or real), <b>title</b> if there is one; up to {MAX_ROWS:,} rows and 5 MB. It is read, "
            "scored by both models and forgotten.</p>"
        )
        file = gr.File(file_types=list(SUFFIXES), file_count="single", type="filepath", label="Labelled table")
        result = gr.HTML(elem_id="fn-own-result", min_height=40)

    def score(
        path: str | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  Gradio finds it by this default
    ) -> str:
        try:
            return tab.score(path, progress)
        finally:
            if path is not None:
                Path(path).unlink(missing_ok=True)

    file.upload(
        score,
        file,
        result,
        api_visibility="private",
        concurrency_limit=1,
        concurrency_id="own",
        show_progress="minimal",
    )
    file.clear(lambda: "", None, result, api_visibility="private", queue=False)


def _without_folder(message: str, path: Path) -> str:
    """Where the upload lies is nobody's business."""
    return message.replace(str(path), path.name)
