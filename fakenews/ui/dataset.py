"""The Dataset tab: how the models did on a corpus, cell by cell, article by article."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from fakenews.data import registry as corpora
from fakenews.data.base import TextNotHere
from fakenews.evaluate import plots
from fakenews.evaluate.digits import METRIC_NAMES, Metric, metric_text
from fakenews.evaluate.error_analysis import cell_mask, misclassified
from fakenews.evaluate.metrics import calibration_bins, evaluate, roc_points
from fakenews.schema import FAKE, LABELS, REAL
from fakenews.services import InputError, Services
from fakenews.text import count_words
from fakenews.ui import render
from fakenews.ui.analyse import OPEN, AnalyseTab

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.evaluate.metrics import Evaluation

logger = logging.getLogger(__name__)

ROWS = 100  # of the table; more are counted, not drawn
CARDS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
ERRORS = "errors"
DEMO = "demo"
CELLS = {
    ERRORS: "All errors",
    "0,1": "Fake articles that read like the real class",
    "1,0": "Real articles that read like the fake class",
    "0,0": "Fake articles that read like the fake class",
    "1,1": "Real articles that read like the real class",
}
CURVES = (("ROC", "roc"), ("Calibration", "calibration"))

# Tells Python which cell of the confusion matrix was clicked; plotly draws it anew on every change.
CELL_CLICKS = """
const wire = () => {
  const plot = document.querySelector('#fn-matrix .js-plotly-plot');
  if (plot && plot.on && !plot.dataset.wired) {
    plot.dataset.wired = '1';
    plot.on('plotly_click', e => trigger('click', {key: e.points[0].y + ',' + e.points[0].x}));
  }
};
new MutationObserver(wire).observe(document.body, {childList: true, subtree: true});
wire();
"""


@dataclass(frozen=True, slots=True)
class Scored:
    """Predictions of one model on one part of one corpus, with texts where they are here.

    Attributes
    ----------
    frame : DataFrame
        id, label, p_fake; title, text, date where `here`.
    here : bool
        Whether the texts are on this machine.
    hint : str
        How to get them otherwise.
    """

    frame: pd.DataFrame
    here: bool
    hint: str


class Dataset:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.models = tuple(m for m in services.models if services.evidence(m) is not None)
        self._texts: dict[str, pd.DataFrame] = {}
        self._live: dict[tuple[str, str], pd.DataFrame] = {}

    def corpora(self) -> list[tuple[str, str]]:
        """Choices: what the models were measured on, the demo last of these, then other tables in the data folder."""
        measured = set(self._measured()["corpus"])
        names = [n for n in corpora.DATASETS if n in measured and n != DEMO]
        names += [n for n in sorted(measured) if n not in corpora.DATASETS] + [DEMO] * (DEMO in measured)
        choices = [(corpora.DATASETS[n].title if n in corpora.DATASETS else n, n) for n in names]
        folder = self.services.settings.data
        found = sorted(folder.glob("*.parquet")) if folder is not None and folder.is_dir() else []
        own = [p.stem for p in found if p.stem not in {*corpora.DATASETS, *measured} and _is_labelled(p)]
        return choices + [(f"{n} (your file, scored when opened)", n) for n in own]

    def splits(self, corpus: str) -> list[str]:
        """Parts of a corpus that were measured; «all» for a file scored live."""
        rows = self._measured()
        found = list(dict.fromkeys(rows.loc[rows["corpus"] == corpus, "split"]))
        return found or ["all"]

    def scored(self, corpus: str, split: str, model: str, progress: Any = None) -> Scored:
        """Predictions and, where they are here, texts."""
        committed = self.services.predictions(model)
        rows = committed[(committed["corpus"] == corpus) & (committed["split"] == split)].reset_index(drop=True)
        if not len(rows):
            return Scored(self._score_now(corpus, model, progress), True, "")
        try:
            texts = self._text_of(corpus)
        except TextNotHere as error:
            return Scored(rows, False, str(error))
        merged = rows.merge(texts[["id", "title", "text", "date"]].drop_duplicates("id"), on="id", how="left")
        here = bool(merged["text"].notna().all())
        hint = "" if here else "The file in FAKENEWS_DATA holds other articles than those that were measured."
        return Scored(merged.fillna({"title": "", "text": "", "date": ""}), here, hint)

    def show(self, corpus: str, split: str, model: str, cell: str, curve: str, progress: Any = None) -> tuple[Any, ...]:
        """Everything right of the pickers: cards, sentence, matrix, its words, curve, its words, heading, table."""
        try:
            scored = self.scored(corpus, split, model, progress)
        except (InputError, ValueError, LookupError) as error:
            return (render.problem(str(error)), "", None, "", None, "", "", "")
        frame = scored.frame
        labels, p_fake = frame["label"].to_numpy(), frame["p_fake"].to_numpy().astype(float)
        result = self._committed(model, f"{corpus}/{split}") or evaluate(labels, p_fake)
        selected = None if cell == ERRORS else (int(cell[0]), int(cell[2]))
        figure, figure_words = self._curve(curve, corpus, split, model, labels, p_fake, result)
        texts = [metric_text(result, name) for name in CARDS]
        cards = render.figures([(t.value, METRIC_NAMES[n], t.interval) for t, n in zip(texts, CARDS, strict=True)])
        return (
            cards,
            self._reading(corpus, split, model, result),
            plots.confusion_matrix_figure(result, selected),
            _caption(plots.describe_confusion_matrix(result)),
            figure,
            _caption(figure_words),
            *self.table(scored, labels, p_fake, cell),
        )

    def table(self, scored: Scored, labels: Any, p_fake: Any, cell: str) -> tuple[str, str]:
        """Heading with counts, and the articles of a cell, most confident first."""
        if cell == ERRORS:
            chosen = misclassified(labels, p_fake)
        else:
            true, predicted = int(cell[0]), int(cell[2])
            members = np.flatnonzero(cell_mask(labels, p_fake, 0.5, true, predicted))
            chosen = members[np.argsort(-np.abs(p_fake[members] - 0.5), kind="stable")]
        shown = chosen[:ROWS]
        count = f"{len(chosen):,} of {len(labels):,}"
        if len(chosen) > ROWS:
            count += f", the {ROWS} most confident shown"
        can_open = " · a title opens the article in Analyse" if scored.here and len(chosen) else ""
        heading = f'<div class="fn-whybar"><h2>{CELLS[cell]}</h2><p class="fn-meta">{count}{can_open}</p></div>'
        if not scored.here:
            heading += render.problem(f"{scored.hint} The demo articles can be opened without it.")
        if not len(chosen):
            return heading, '<p class="fn-meta">No article falls in here.</p>'
        rows = [self._row(scored, frame_row) for _, frame_row in scored.frame.iloc[shown].iterrows()]
        headers = [("Title" if scored.here else "Article id", False), ("True", False), ("Predicted", False)]
        headers += [("p (fake)", True), ("Words", True), ("Date", True)][: 3 if scored.here else 1]
        return heading, render.table(headers, rows, CELLS[cell])

    def article(self, corpus: str, key: str) -> tuple[str, str]:
        """Title and text of an article of a corpus that is here."""
        texts = self._text_of(corpus)
        row = texts[texts["id"] == key].iloc[0]
        return str(row["title"]), str(row["text"])

    def _row(self, scored: Scored, row: Any) -> tuple[str, tuple[str, ...]]:
        predicted = LABELS[FAKE] if row["p_fake"] >= 0.5 else LABELS[REAL]
        numbers = (LABELS[int(row["label"])], predicted, render.percent(float(row["p_fake"])))
        if not scored.here:
            return "", (str(row["id"]), *numbers)
        title = str(row["title"]).strip() or str(row["text"])[:70].strip() + "…"
        return str(row["id"]), (title, *numbers, f"{count_words(row['text']):,}", str(row["date"])[:10])

    def _curve(
        self, curve: str, corpus: str, split: str, model: str, labels: Any, p_fake: Any, result: Evaluation
    ) -> tuple[Any, str]:
        name = self.services.title(model)
        if curve == "roc":
            if result.roc_auc is None:
                return None, "This corpus holds one class only, so there is no ROC curve."
            points = roc_points(labels, p_fake)
            curves = [plots.Curve(name, points.fpr, points.tpr, metric_text(result, "roc_auc").value)]
            return plots.roc_figure(curves), plots.describe_roc(curves)
        models = [(name, calibration_bins(labels, p_fake))]
        return plots.calibration_figure(models), plots.describe_calibration(models)

    def _reading(self, corpus: str, split: str, model: str, result: Evaluation) -> str:
        title = self.services.title(model)
        if corpus == DEMO:
            verdict = "These articles were written for this demo; the figures are not evidence of accuracy."
        elif split == "validation":
            verdict = "The calibration was fitted on these articles, so they flatter the model."
        elif split == "test":
            verdict = (
                f"{title} never saw these articles, but it has seen their publishers: "
                "on corpora from other publishers it does much worse. Pick one on the left before trusting this page."
            )
        else:
            majority = max(result.n_fake, result.n_real) / result.n
            verdict = (
                f"{title} was trained on another corpus. Always answering with the larger class would be right "
                f"{100 * majority:.0f} % of the time here."
            )
            if corpus in corpora.DATASETS and corpora.DATASETS[corpus].unit != "article":
                verdict += " These are not articles, so on the page it would mostly decline to judge them."
        return f'<p class="fn-read">{verdict}</p>'

    def _committed(self, model: str, name: str) -> Evaluation | None:
        evidence = self.services.evidence(model)
        return evidence.corpora.get(name) if evidence else None

    def _measured(self) -> pd.DataFrame:
        import pandas as pd

        return pd.concat([self.services.predictions(m) for m in self.models], ignore_index=True)

    def _text_of(self, corpus: str) -> pd.DataFrame:
        from fakenews.data.table import read_table

        if corpus not in self._texts:
            known, folder = corpus in corpora.DATASETS, self.services.settings.data
            own = None if known or folder is None else folder / f"{corpus}.parquet"
            self._texts[corpus] = self.services.corpus(corpus) if own is None else read_table(own)
        return self._texts[corpus]

    def _score_now(self, corpus: str, model: str, progress: Any) -> pd.DataFrame:
        """Predictions on a corpus that was not measured, kept in memory.

        Raises
        ------
        TextNotHere
            If its text is not on this machine.
        """
        from fakenews.evaluate.evidence import predict_frame

        key = (corpus, model)
        if key not in self._live:
            texts = self._text_of(corpus)

            def report(what: str, share: float) -> None:
                if progress:
                    progress(share, desc=f"Scoring {corpus}")

            rows = predict_frame(self.services.classifier(model), texts, corpus, "all", report)
            self._live[key] = texts.assign(p_fake=rows["p_fake"].to_numpy())
        return self._live[key]


def build(services: Services, analyse: AnalyseTab, tabs: gr.Tabs) -> Any:
    """Draw the tab inside the current one and wire it; gives the function that fills it when it is opened."""
    tab = Dataset(services)
    if not tab.models:
        gr.HTML(render.problem("No model here has been measured: «fakenews train» measures what it trains."))
        return None
    choices = tab.corpora()
    first = choices[0][1]
    splits = tab.splits(first)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Row(elem_classes="fn-columns"):
        with gr.Column(scale=2):
            corpus = gr.Dropdown(choices, value=first, label="Corpus", elem_id="fn-corpus")
            split = gr.Dropdown(splits, value=splits[0], label="Split", elem_id="fn-split")
            model = gr.Dropdown(
                [(services.title(m), m) for m in tab.models], value=tab.models[0], label="Model", elem_id="fn-model"
            )
            about = gr.HTML(_about(first), elem_id="fn-corpus-about")
        with gr.Column(scale=9):
            cards = gr.HTML(elem_id="fn-figures", min_height=70)
            reading = gr.HTML(min_height=56)
            with gr.Row(elem_classes="fn-columns fn-figures"):
                with gr.Column():
                    gr.HTML("<h2>Confusion matrix</h2>")
                    matrix = gr.Plot(show_label=False, container=False, elem_id="fn-matrix")
                    matrix_words = gr.HTML()
                with gr.Column():
                    curve = gr.Radio(
                        list(CURVES), value="calibration", show_label=False, container=False, elem_classes="fn-seg",
                        elem_id="fn-curve", label="Curve",
                    )  # fmt: skip
                    figure = gr.Plot(show_label=False, container=False, elem_id="fn-plot")
                    figure_words = gr.HTML()
            cell = gr.Dropdown(
                [(words, key) for key, words in CELLS.items()], value=ERRORS, label="Articles shown", elem_id="fn-cell"
            )
            heading = gr.HTML(min_height=44)
            table = gr.HTML(elem_id="fn-table", js_on_load=OPEN, min_height=200)
    clicks = gr.HTML("", elem_classes="fn-hidden", js_on_load=CELL_CLICKS)

    inputs = [corpus, split, model, cell, curve]
    outputs = [cards, reading, matrix, matrix_words, figure, figure_words, heading, table]

    def show(
        corpus: str,
        split: str,
        model: str,
        cell: str,
        curve: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  Gradio finds it by this default
    ) -> tuple[Any, ...]:
        return tab.show(corpus, split, model, cell, curve, progress)

    def pick_corpus(name: str) -> tuple[Any, str]:
        parts = tab.splits(name)
        return gr.update(choices=parts, value=parts[0]), _about(name)

    def pick_cell(event: gr.EventData) -> str:
        key = str(event.key)
        return key if key in CELLS else ERRORS

    def open_row(corpus: str, event: gr.EventData) -> tuple[Any, ...]:
        return (*tab.article(corpus, str(event.key)), gr.Tabs(selected="analyse"))

    corpus.input(pick_corpus, corpus, [split, about], queue=False, **private).then(show, inputs, outputs, **private)
    gr.on([split.input, model.input, cell.change, curve.input], show, inputs, outputs, **private)
    clicks.click(pick_cell, None, cell, queue=False, **private)
    table.click(open_row, corpus, [analyse.title, analyse.body, tabs], queue=False, **private).then(
        None,
        None,
        None,
        js="() => { document.querySelector('#fn-analyse').click(); window.scrollTo(0, 0); }",
        **private,
    )
    return show, inputs, outputs


def _is_labelled(path: Path) -> bool:
    """Whether a parquet file is a labelled table, by its column names alone."""
    import pyarrow.parquet as pq

    return {"text", "label"} <= set(pq.read_schema(path).names)


def _caption(sentence: str) -> str:
    from html import escape

    return f'<p class="fn-meta">{escape(sentence)}</p>'


def _about(name: str) -> str:
    """Description, origin and licence of a corpus."""
    from html import escape

    if name not in corpora.DATASETS:
        return '<p class="fn-meta">A table of yours in FAKENEWS_DATA.</p>'
    spec = corpora.DATASETS[name]
    return (
        f'<p class="fn-meta">{escape(spec.description)}</p><p class="fn-meta">{escape(spec.label_meaning)}</p>'
        f'<p class="fn-meta">Licence: {escape(spec.licence)}</p>'
    )
