"""A labeled table of the visitor's own, scored live by both models; it is kept nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from fakenews.data.formats import SUFFIXES
from fakenews.data.table import LabeledTable, read_labeled
from fakenews.data.unpacked import check_unpacked
from fakenews.engine import Engine
from fakenews.engine.scheduler import Lane
from fakenews.reporting.digits import METRIC_NAMES, Metric, counted, listed, metric_text, share_text
from fakenews.schema import LABELS
from fakenews.ui import reading, render
from fakenews.ui.templates import draw
from fakenews.ui.upload import refusing, too_large
from fakenews.verdict import REASONS, reconcile

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.metrics.verdicts import TableResult, Verdicts

logger = logging.getLogger(__name__)

MAX_ROWS = 1000  # minutes of work for both models; larger tables belong on the command line
ERRORS_SHOWN = 20
FAKE_LABEL = "Label that means fake"
_METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
_ON_YOUR_MACHINE = 'For more, run "fakenews evaluate --model tfidf --data TABLE" on a machine of yours.'
SORRY = "This file could not be scored; something went wrong on our side."


class OwnTable:
    """Handlers of the section; `build` draws and wires it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.models = engine.pool.side_by_side

    def score(self, path: str | None, progress: Any = None, fake: str = "") -> Markup:
        """Draw what both models reached on the file, or the sentence that says why there is nothing.

        `fake` is the label that means fake (`table.read_labeled`).
        """
        if path is None:
            return Markup()
        try:
            check_unpacked(Path(path))
            read = read_labeled(Path(path), fake=fake)
        except (ValueError, OSError) as error:
            message = _without_folder(str(error), Path(path))
            return render.problem(message.replace(" with --fake", f' under "{FAKE_LABEL}"').replace("--fake ", ""))
        frame = read.frame
        if len(frame) > MAX_ROWS:
            return render.problem(
                f"This table has {len(frame):,} rows; up to {MAX_ROWS:,} are scored here. {_ON_YOUR_MACHINE}"
            )
        try:
            others = frame[~self.engine.tables.is_trained_on(frame, self.models)].reset_index(drop=True)
            with self.engine.scheduler.slot(Lane.BATCH) as give_way:
                return self._result(others, read, progress, give_way)
        except Exception as error:
            logger.error("scoring a table failed: %s", type(error).__name__)  # its message could quote an article
            return render.problem(SORRY)

    def _result(self, frame: pd.DataFrame, read: LabeledTable, progress: Any, give_way: Callable[[], None]) -> Markup:
        """Draw what the models reached on the articles of a table that they were not trained on."""
        n_rows = len(read.frame)
        titles = [self.engine.pool.title(model) for model in self.models]
        if not len(frame):
            return render.problem(
                f"{listed(titles)} were trained on these articles, all {n_rows:,} of them, so figures would say "
                "nothing. What they reach on corpora that were left out of training stands above and under Compare."
            )
        results = {}
        for i, model in enumerate(self.models):

            def report(share: float, i: int = i, model: str = model) -> None:
                give_way()
                if progress:
                    progress((i + share) / len(self.models), desc=f"Scoring with {self.engine.pool.title(model)}")

            results[model] = self.engine.tables.measure(frame, model, report)
        count, errors = self._errors(frame, results)
        return draw(
            "dataset",
            "own_result",
            reading=self._reading(results, read),
            warning=_warning(results, read),
            figures=self._figures(results, frame),
            count=count,
            error_headers=[("Article", False), ("Label", False), *((title, True) for title in titles)],
            errors=errors,
        )

    def _reading(self, results: dict[str, TableResult], read: LabeledTable) -> str:
        """Return what was scored, what was not, and what the models may know without its being seen here."""
        titles = [self.engine.pool.title(model) for model in results]
        evaluation = next(iter(results.values())).evaluation
        sentences = [f"{counted(evaluation.n, 'article')} scored."]
        if n_known := len(read.frame) - evaluation.n:
            sentences.append(f"{n_known:,} left out, which {' or '.join(titles)} was trained on.")
        if evaluation.roc_auc is None:
            sentences.append("They are of one class only, so there is no macro-F1 and no ROC AUC.")
        training: dict[tuple[str, ...], list[str]] = {}
        for model, title in zip(results, titles, strict=True):
            training.setdefault(self.engine.pool.trained_on(model), []).append(title)
        for corpora, of in training.items():
            if corpora:
                sentences.append(f"{listed(of)} trained on: {'; '.join(map(reading.title_of, corpora))}.")
        if any(training):
            sentences.append(
                "Articles of these are recognized by their exact text, and not all of them: one that is not "
                "recognized makes the figures look better than they are."
            )
        return " ".join([*sentences, *read.notes()])

    def _figures(self, results: dict[str, TableResult], frame: pd.DataFrame) -> Markup:
        """Draw the figures of each model, and what its verdicts are, alone and together with the others."""
        headers = [("Model", False), *((METRIC_NAMES[m], True) for m in _METRICS)]
        headers += [(f"{label} articles recognized", True) for label in LABELS]
        rows = []
        for model, result in results.items():
            cells = [str(metric_text(result.evaluation, m)) for m in _METRICS]
            cells += [share_text(row[i], sum(row)) for i, row in enumerate(result.evaluation.confusion_matrix)]
            rows.append((self.engine.pool.title(model), *cells))
        captions = [_summary(self.engine.pool.title(model), result.verdicts) for model, result in results.items()]
        captions.append(self._together(results, frame["label"].tolist()))
        return draw("dataset", "own_figures", headers=headers, rows=rows, captions=captions)

    def _together(self, results: dict[str, TableResult], labels: list[int]) -> str:
        """Return one sentence on the verdicts left where the models are asked together; empty where all are."""
        from fakenews.metrics.verdicts import verdicts

        reconciled = [reconcile(row) for row in zip(*(result.predictions for result in results.values()), strict=True)]
        contrary = sum(any("models_disagree" in p.reasons for p in row) for row in reconciled)
        if not contrary:
            return ""
        found = [verdicts([row[i] for row in reconciled], labels) for i in range(len(results))]
        left = [
            f"{title} gives {given.given:,}, {share_text(given.right, given.given)} of them right"
            for title, given in zip(map(self.engine.pool.title, results), found, strict=True)
        ]
        return (
            f"Asked together, as under Batch, they contradict each other on {counted(contrary, 'article')} and "
            f"withdraw both verdicts: then {listed(left)}."
        )

    def _errors(self, frame: pd.DataFrame, results: dict[str, TableResult]) -> tuple[str, list[tuple[str, ...]]]:
        """Return how many articles every model judged wrongly, and the most confident of them."""
        labels = frame["label"].to_numpy()
        predictions = [result.predictions for result in results.values()]
        wrong = [i for i, label in enumerate(labels) if {p[i].verdict for p in predictions} == {LABELS[1 - label]}]
        order = sorted(wrong, key=lambda i: -sum(abs(p[i].p_fake - 0.5) for p in predictions))[:ERRORS_SHOWN]
        more = f", the {ERRORS_SHOWN} most confident shown" if len(wrong) > ERRORS_SHOWN else ""
        rows = []
        for i in order:
            row = frame.iloc[i]
            name = str(row["title"]).strip() or f"{str(row['text'])[:70].strip()}…"
            rows.append((name, LABELS[labels[i]], *(f"{render.percent(p[i].p_fake)} fake" for p in predictions)))
        return f"{len(wrong):,} given the wrong verdict by every model{more}.", rows


def build(engine: Engine) -> None:
    """Draw the section inside the current tab and wire it."""
    tab = OwnTable(engine)
    with gr.Accordion("Evaluate your own CSV", open=False, elem_id="fn-own"):
        gr.HTML(draw("dataset", "own_intro", max_rows=MAX_ROWS))
        fake = gr.Textbox(
            "", label=FAKE_LABEL, placeholder="0, fake or false", max_lines=1, elem_id="fn-own-fake",
            info="Only where it is another one, as 1 is in Kaggle's train.csv; before the table is uploaded.",
        )  # fmt: skip
        file = gr.File(
            file_types=list(SUFFIXES), file_count="single", type="filepath", label="Labeled table",
            elem_id="fn-own-file",
        )  # fmt: skip
        result = gr.HTML(elem_id="fn-own-result", min_height=40, js_on_load=refusing("fn-own-file"))

    def score(
        path: str | None,
        fake: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  Gradio finds it by this default
    ) -> str:
        try:
            return tab.score(path, progress, fake)
        finally:
            if path is not None:
                Path(path).unlink(missing_ok=True)

    file.upload(
        score,
        [file, fake],
        result,
        api_visibility="private",
        concurrency_limit=1,
        concurrency_id="own",
        show_progress="minimal",
    )

    def refused(event: gr.EventData) -> str:
        return render.problem(f"{too_large(str(event.key))}. {_ON_YOUR_MACHINE}")

    result.click(refused, None, result, api_visibility="private", queue=False)
    file.clear(lambda: "", None, result, api_visibility="private", queue=False)


def _summary(title: str, verdicts: Verdicts) -> str:
    """Return one sentence on the verdicts of a model."""
    sentence = f"{title}, asked alone, gives a verdict on {verdicts.given:,} of {verdicts.n:,}"
    if verdicts.given:
        sentence += f" and is right on {share_text(verdicts.right, verdicts.given)} of these"
    reasons = "; ".join(f"{REASONS[reason]}: {n:,}" for reason, n in verdicts.reasons.items())
    return f"{sentence}. Reasons for none: {reasons}." if reasons else f"{sentence}."


def _warning(results: dict[str, TableResult], read: LabeledTable) -> str:
    """Return one warning where the labels may be the other way round, for whichever model shows it."""
    from fakenews.metrics.verdicts import labels_warning

    warning = next(filter(None, (labels_warning(r.evaluation, read.labels) for r in results.values())), "")
    how = f'write it under "{FAKE_LABEL}" and upload the table again.'
    return f"{warning.partition(', say so')[0]}, {how}" if warning else ""


def _without_folder(message: str, path: Path) -> str:
    """Return a message without the folder of the upload, which is nobody's business."""
    return message.replace(str(path), path.name)
