"""The Dataset tab: how the models did on a corpus, cell by cell, article by article."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from fakenews.batch.spreadsheet import safe_cell
from fakenews.data import registry as corpora
from fakenews.evaluate import plots
from fakenews.evaluate.digits import METRIC_NAMES, Metric, area_text, metric_text
from fakenews.evaluate.error_analysis import cell_mask, misclassified
from fakenews.evaluate.metrics import average_precision, calibration_bins, evaluate, pr_points, roc_points
from fakenews.evaluate.protocols import LEFT_OUT, PROTOCOLS
from fakenews.evaluate.slices import SLICES
from fakenews.explain.base import Cancelled
from fakenews.schema import FAKE, LABELS, REAL
from fakenews.services import TOGETHER, InputError, Services
from fakenews.text import count_words, join
from fakenews.ui import audit, export, own, render
from fakenews.ui.analyse import OPEN, AnalyseTab
from fakenews.ui.measured import AS_SHIPPED, DEMO, ERRORS, WHOLE, Measured, Scored, View
from fakenews.ui.runs import Progress, Runs, watch
from fakenews.ui.share import DOWNLOAD, FORMATS, pack

if TYPE_CHECKING:
    from fakenews.evaluate.metrics import Evaluation
    from fakenews.evaluate.words import WordTotal

logger = logging.getLogger(__name__)

WEIGHED = 60  # articles whose words are weighed at once
ROWS = 100  # of the table; more are counted, not drawn
CARDS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
CELLS = {
    ERRORS: "All errors",
    "0,1": "Fake articles that read like the real class",
    "1,0": "Real articles that read like the fake class",
    "0,0": "Fake articles that read like the fake class",
    "1,1": "Real articles that read like the real class",
}
NOTHING: tuple[Any, ...] = ("", "", None, "", None, "", "", "")  # instead of what `Dataset.show` gives
CURVES = (("ROC", "roc"), ("Precision–recall", "pr"), ("Calibration", "calibration"))

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


class Dataset:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.measured = Measured(services)
        self.looks = Runs()  # a new one of a visitor takes the place of the one before
        self.scorings = Runs()
        self.runs = Runs()

    def look(self, view: View, request: gr.Request) -> tuple[Any, ...]:
        """How far scoring is, then what `show` gives; nothing of it while the model has to be asked first."""
        visitor = request.session_hash or ""
        self.scorings.cancel(visitor)
        flag = self.looks.start(visitor)
        try:
            if self.measured.to_score(view):
                return (self._scoring(view, 0.0, None), *NOTHING)
            shown = self.show(view)
        except LookupError as error:
            shown = (render.problem(str(error)), *NOTHING[1:])
        finally:
            self.looks.finish(visitor, flag)
        return (gr.skip(),) * (1 + len(NOTHING)) if flag.is_set() else ("", *shown)

    def score(self, view: View, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Ask the model where `look` found that it has to be asked, with progress on the way."""
        stay = (gr.skip(),) * len(NOTHING)
        visitor = request.session_hash or ""
        flag = self.scorings.start(visitor)

        def work(progress: Progress) -> Iterator[bool]:
            self.measured.score(view, progress)
            yield True

        last: Any = ""
        try:
            if self._is_to_score(view):
                for update in watch(work, flag):
                    if update.result is None:
                        yield self._scoring(view, update.share, update.seconds_left), *stay
                yield "", *self.show(view)
        except (ValueError, LookupError) as error:
            yield "", render.problem(str(error)), *NOTHING[1:]
        except Cancelled:
            last = gr.skip()
        finally:
            self.scorings.finish(visitor, flag)
        yield last, *stay  # Gradio sends what comes last twice

    def _is_to_score(self, view: View) -> bool:
        try:
            return self.measured.to_score(view)
        except LookupError:  # `look` has said why it cannot be
            return False

    def _scoring(self, view: View, share: float, seconds_left: float | None) -> str:
        return render.progress(f"{self.services.title(view.model)} reads {view.corpus}", share, seconds_left)

    def show(self, view: View) -> tuple[Any, ...]:
        """Everything right of the pickers: cards, sentence, matrix, its words, curve, its words, heading, table."""
        try:
            scored = self.measured.scored(view)
        except (InputError, ValueError, LookupError) as error:
            return (render.problem(str(error)), *NOTHING[1:])
        sliced = view.by != WHOLE and view.part != WHOLE and scored.here
        scored = self.measured.sliced(scored, view)
        frame = scored.frame
        labels, p_fake = frame["label"].to_numpy(), frame["p_fake"].to_numpy().astype(float)
        committed = None if sliced else self.measured.committed(view)
        result = committed or evaluate(labels, p_fake)
        selected = None if view.cell == ERRORS else (int(view.cell[0]), int(view.cell[2]))
        figure, figure_words = self._curve(view, labels, p_fake, result)
        texts = [metric_text(result, name) for name in CARDS]
        cards = render.figures([(t.value, METRIC_NAMES[n], t.interval) for t, n in zip(texts, CARDS, strict=True)])
        return (
            cards,
            self._reading(view, result, sliced),
            plots.confusion_matrix_figure(result, selected),
            render.caption(plots.describe_confusion_matrix(result)),
            figure,
            render.caption(figure_words),
            *self.table(scored, labels, p_fake, view.cell),
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

    def export(self, view: View, format_: str) -> str:
        """What is looked at as a file, packed for the browser; empty where there is nothing to look at."""
        try:
            if self.measured.to_score(view):
                return ""
            scored = self.measured.sliced(self.measured.scored(view), view)
        except (InputError, ValueError, LookupError):
            return ""
        frame, sliced = scored.frame, view.by != WHOLE and view.part != WHOLE and scored.here
        labels, p_fake = frame["label"].to_numpy(), frame["p_fake"].to_numpy().astype(float)
        result = (None if sliced else self.measured.committed(view)) or evaluate(labels, p_fake)
        name = "-".join(("fakenews", view.corpus, view.split, view.model))
        if format_ == "csv":
            predicted = [LABELS[FAKE] if p >= 0.5 else LABELS[REAL] for p in p_fake]
            titles = [safe_cell(str(t)) for t in frame["title"]] if scored.here else [""] * len(frame)
            rows = zip(frame["id"], titles, (LABELS[int(i)] for i in labels), predicted, p_fake.tolist(), strict=True)
            content = export.table_csv(("id", "title", "label", "predicted", "p_fake"), list(rows))
        elif format_ == "json":
            content = export.as_json(
                {
                    "schema": 1,
                    "kind": "fakenews evaluation",
                    **{key: getattr(view, key) for key in ("corpus", "split", "model", "protocol", "by", "part")},
                    "evaluation": result.to_dict(),
                }
            )
        else:
            content = self._report(view, scored, result, sliced)
        return pack(f"{name}.{format_}", f"{export.MEDIA[format_]}; charset=utf-8", content)

    def _report(self, view: View, scored: Scored, result: Evaluation, sliced: bool) -> str:
        frame = scored.frame
        chosen = misclassified(frame["label"].to_numpy(), frame["p_fake"].to_numpy().astype(float))[:ROWS]
        texts = [metric_text(result, name) for name in CARDS]
        (ff, fr), (rf, rr) = result.confusion_matrix
        matrix = [("", ("fake", f"{ff:,}", f"{fr:,}")), ("", ("real", f"{rf:,}", f"{rr:,}"))]
        headers = [("Title" if scored.here else "Article id", False), ("True", False), ("Predicted", False)]
        headers += [("p (fake)", True), ("Words", True), ("Date", True)][: 3 if scored.here else 1]
        rows = [("", self._row(scored, row)[1]) for _, row in frame.iloc[chosen].iterrows()]
        parts = (
            render.figures([(t.value, METRIC_NAMES[n], t.interval) for t, n in zip(texts, CARDS, strict=True)]),
            self._reading(view, result, sliced),
            "<h2>Confusion matrix</h2>",
            render.table([("True", False), ("predicted fake", True), ("predicted real", True)], matrix, "Confusion"),
            f"<h2>{CELLS[ERRORS]}</h2>",
            render.caption(f"The {len(chosen):,} most confident of {fr + rf:,}." if rows else "There are none."),
            render.table(headers, rows, CELLS[ERRORS]) if rows else "",
        )
        meta = f"{result.n:,} articles, split «{view.split}», weights {self.services.revision(view.model)}."
        return export.tables_page(f"{self.services.title(view.model)} on {_title(view.corpus)}", meta, parts)

    def words(self, view: View, request: gr.Request) -> Iterator[str]:
        """The words that move the model across the articles looked at, with progress on the way."""
        visitor = request.session_hash or ""
        flag = self.runs.start(visitor)
        title = self.services.title(view.model)
        try:
            if self.measured.to_score(view):
                yield render.caption(f"{title} has not read these articles yet.")
                return
            scored = self.measured.scored(view)
            if not scored.here:
                yield render.problem(f"{scored.hint} The demo articles can be weighed without it.")
                return
            frame = self.measured.sliced(scored, view).frame
            frame = frame.sample(min(len(frame), WEIGHED), random_state=0)
            texts = [join(str(row["title"]), str(row["text"])) for _, row in frame.iterrows()]

            def work(progress: Progress) -> Iterator[tuple[WordTotal, ...]]:
                yield self.services.words_across(texts, view.model, progress)

            for update in watch(work, flag):
                if update.result is None:
                    what = f"Weighing the words of {len(texts)} articles"
                    yield render.progress(what, update.share, update.seconds_left)
                else:
                    yield render.words_across(update.result, len(texts), title)
        except Cancelled:
            yield render.status("Cancelled.")
        except (InputError, ValueError, LookupError) as error:
            yield render.problem(str(error))
        finally:
            self.runs.finish(visitor, flag)

    def cancel(self, request: gr.Request) -> None:
        """Stop weighing."""
        self.runs.cancel(request.session_hash or "")

    def _row(self, scored: Scored, row: Any) -> tuple[str, tuple[str, ...]]:
        predicted = LABELS[FAKE] if row["p_fake"] >= 0.5 else LABELS[REAL]
        numbers = (LABELS[int(row["label"])], predicted, render.percent(float(row["p_fake"])))
        if not scored.here:
            return "", (str(row["id"]), *numbers)
        title = str(row["title"]).strip() or str(row["text"])[:70].strip() + "…"
        return str(row["id"]), (title, *numbers, f"{count_words(row['text']):,}", str(row["date"])[:10])

    def _curve(self, view: View, labels: Any, p_fake: Any, result: Evaluation) -> tuple[Any, str]:
        name = self.services.title(view.model)
        if view.curve != "calibration" and result.roc_auc is None:
            return None, "There are articles of one class only, so there is no such curve: pick Calibration."
        if view.curve == "roc":
            points = roc_points(labels, p_fake)
            curves = [plots.Curve(name, points.fpr, points.tpr, metric_text(result, "roc_auc").value)]
            return plots.roc_figure(curves), plots.describe_roc(curves)
        if view.curve == "pr":
            found, guessing = pr_points(labels, p_fake), result.n_fake / result.n
            area = area_text(average_precision(labels, p_fake), result)
            curves = [plots.Curve(name, found.recall, found.precision, area)]
            return plots.pr_figure(curves, guessing), plots.describe_pr(curves, guessing)
        models = [(name, calibration_bins(labels, p_fake))]
        return plots.calibration_figure(models), plots.describe_calibration(models)

    def _reading(self, view: View, result: Evaluation, sliced: bool) -> str:
        title = self.services.title(view.model)
        if view.protocol == LEFT_OUT:
            verdict = f"{title} had learnt nothing from this corpus. {PROTOCOLS[view.protocol].description}"
        elif view.protocol != AS_SHIPPED:
            verdict = f"{title} was trained again for this. {PROTOCOLS[view.protocol].description}"
        elif view.corpus == DEMO:
            verdict = "These articles were written for this demo; the figures are not evidence of accuracy."
        elif view.split == "validation":
            verdict = self._of_validation(view)
        elif view.split == "test":
            verdict = (
                f"{title} never saw these articles, but it has seen their publishers: "
                "on corpora from other publishers it does much worse. Pick one on the left before trusting this page."
            )
        else:
            majority = max(result.n_fake, result.n_real) / result.n
            learnt = f"{title} learnt nothing from this corpus"
            if view.corpus not in corpora.DATASETS:
                learnt = f"{title} was not given this table to learn from, though articles of it may stand in another"
            verdict = (
                f"{learnt}: these are its probabilities for publishers it never saw, the second one on the cards of "
                "Analyse. Always answering with the larger class would be right "
                f"{100 * majority:.0f} % of the time here."
            )
            if view.corpus in corpora.DATASETS and corpora.DATASETS[view.corpus].unit != "article":
                verdict += " These are not articles, so on the page it would mostly decline to judge them."
        if sliced:
            verdict = f"{result.n:,} articles of the slice «{view.part}». {verdict}"
        return f'<p class="fn-read">{escape(verdict)}</p>'

    def _of_validation(self, view: View) -> str:
        """What was done with the held-out articles that are not the test's."""
        evidence, title = self.services.evidence(view.model), self.services.title(view.model)
        fitted_on = "" if evidence is None else str(evidence.calibration.get("fitted_on", ""))
        home = fitted_on.partition("/")[0]
        if view.corpus == home:
            return "The calibration was fitted on these articles, so they flatter the model."
        told = f"{title} learnt from other articles of this corpus, so it has seen their publishers"
        if view.model == TOGETHER and view.corpus in set(self.services.predictions(TOGETHER, LEFT_OUT)["corpus"]):
            told += ", and its weights were chosen by answers to this corpus"
        return f"{told}. Its calibration here is that of {_title(home)}."


def build(services: Services, analyse: AnalyseTab, tabs: gr.Tabs) -> Callable[[Any], None] | None:
    """Draw the tab inside the current one and wire it; gives what is to be told of the event of opening it."""
    tab = Dataset(services)
    measured = tab.measured
    if not measured.models:
        gr.HTML(render.problem("No model here has been measured: «fakenews train» measures what it trains."))
        return None
    choices = measured.corpora()
    first = choices[0][1]
    splits = measured.splits(first, measured.models[0])
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    with gr.Row(elem_classes="fn-columns"):
        with gr.Column(scale=2):
            protocol = gr.Dropdown(measured.protocols(), value=AS_SHIPPED, label="Protocol", elem_id="fn-protocol")
            corpus = gr.Dropdown(choices, value=first, label="Corpus", elem_id="fn-corpus")
            split = gr.Dropdown(splits, value=splits[0], label="Split", elem_id="fn-split")
            model = gr.Dropdown(
                [(services.title(m), m) for m in measured.models], value=measured.models[0], label="Model",
                elem_id="fn-model",
            )  # fmt: skip
            by = gr.Dropdown(
                [("Everything", WHOLE), *((title, key) for key, title in SLICES.items())],
                value=WHOLE, label="Slice by", elem_id="fn-by",
            )  # fmt: skip
            part = gr.Dropdown([("Everything", WHOLE)], value=WHOLE, label="Slice", elem_id="fn-part", visible=False)
            about = gr.HTML(_about(first), elem_id="fn-corpus-about")
        with gr.Column(scale=9):
            scoring = gr.HTML(elem_id="fn-scoring")
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
            with gr.Row(elem_classes="fn-actions"):
                files = [
                    gr.Button(name, elem_id=f"fn-dataset-{key}", elem_classes="fn-plain", size="sm")
                    for name, key in ((FORMATS[0][0], "html"), (FORMATS[1][0], "json"), ("Articles (CSV)", "csv"))
                ]
            file = gr.Textbox(visible=False)
            with gr.Row(elem_classes="fn-whybar"):
                gr.HTML("<h2>Words across these articles</h2>")
                weigh = gr.Button("Weigh them", size="sm", elem_id="fn-weigh")
                stop = gr.Button("Cancel", size="sm", elem_classes="fn-plain", elem_id="fn-weigh-cancel")
            across = gr.HTML(
                render.caption(f"Quick explanations of up to {WEIGHED} of them, summed by word."), elem_id="fn-across"
            )
    clicks = gr.HTML("", elem_classes="fn-hidden", js_on_load=CELL_CLICKS)

    given_away = gr.HTML(audit.section(first), elem_id="fn-audit")
    own.build(services)

    inputs = [corpus, split, model, cell, curve, protocol, by, part]
    outputs = [scoring, cards, reading, matrix, matrix_words, figure, figure_words, heading, table]

    def look(
        corpus: str, split: str, model: str, cell: str, curve: str, protocol: str, by: str, part: str,
        request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        return tab.look(View(corpus, split, model, cell, curve, protocol, by, part), request)

    def score(
        corpus: str, split: str, model: str, cell: str, curve: str, protocol: str, by: str, part: str,
        request: gr.Request,
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        yield from tab.score(View(corpus, split, model, cell, curve, protocol, by, part), request)

    def words(
        corpus: str, split: str, model: str, protocol: str, by: str, part: str, request: gr.Request
    ) -> Iterator[str]:
        yield from tab.words(View(corpus, split, model, protocol=protocol, by=by, part=part), request)

    def pick(corpus: str, split: str, model: str, protocol: str, by: str, part: str) -> tuple[Any, ...]:
        """What the other pickers offer, and what they show where that was not on offer any more."""
        found = measured.corpora(protocol)
        corpus = corpus if corpus in [key for _, key in found] else found[0][1]
        splits = measured.splits(corpus, model, protocol)
        split = split if split in splits else splits[0]
        names = measured.parts(View(corpus, split, model, protocol=protocol, by=by))
        by = by if part in names or (names and part == WHOLE) else WHOLE
        shown = [(name, name) for name in names] if by != WHOLE else [("Everything", WHOLE)]
        part = part if part in names else shown[0][1]
        return (
            gr.update(choices=found, value=corpus),
            gr.update(choices=splits, value=split),
            by,
            gr.update(choices=shown, value=part, visible=by != WHOLE),
            _about(corpus),
            audit.section(corpus),
        )

    def pick_slicing(corpus: str, split: str, model: str, protocol: str, by: str) -> Any:
        names = measured.parts(View(corpus, split, model, protocol=protocol, by=by))
        if not names:
            return gr.update(choices=[("Everything", WHOLE)], value=WHOLE, visible=False)
        return gr.update(choices=names, value=names[0], visible=True)

    def pick_cell(event: gr.EventData) -> str:
        key = str(event.key)
        return key if key in CELLS else ERRORS

    def open_row(corpus: str, event: gr.EventData) -> tuple[Any, ...]:
        return (*measured.article(corpus, str(event.key)), gr.Tabs(selected="analyse"))

    quick: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "dataset", **private}
    asking: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "score", **private}

    def shown(listen: Callable[..., Any]) -> None:
        """Have an event show what is looked at, and ask the model where that has to be done first."""
        event = listen(look, inputs, outputs, trigger_mode="always_last", **quick)
        event.then(score, inputs, outputs, trigger_mode="always_last", **asking)

    picking = [corpus, split, model, protocol, by, part]
    picked = [corpus, split, by, part, about, given_away]
    changed = gr.on(
        [protocol.input, corpus.input, split.input, model.input], pick, picking, picked, trigger_mode="always_last",
        **quick,
    )  # fmt: skip
    shown(changed.then)
    slicing = by.input(pick_slicing, [corpus, split, model, protocol, by], part, trigger_mode="always_last", **quick)
    shown(slicing.then)
    shown(partial(gr.on, [part.input, cell.change, curve.input]))
    for button, key in zip(files, ("html", "json", "csv"), strict=True):

        def write(
            corpus: str, split: str, model: str, cell: str, curve: str, protocol: str, by: str, part: str,
            format_: str = key,
        ) -> str:  # fmt: skip
            return tab.export(View(corpus, split, model, cell, curve, protocol, by, part), format_)

        button.click(write, inputs, file, **private).then(None, file, None, js=DOWNLOAD, **private)
    weighing: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "explain", **private}
    weigh.click(words, [corpus, split, model, protocol, by, part], across, **weighing)
    stop.click(tab.cancel, None, None, queue=False, **private)
    clicks.click(pick_cell, None, cell, queue=False, **private)
    table.click(open_row, corpus, [analyse.title, analyse.body, tabs], queue=False, **private).then(
        None,
        None,
        None,
        js="() => { document.querySelector('#fn-analyse').click(); window.scrollTo(0, 0); }",
        **private,
    )
    return shown


def _about(name: str) -> str:
    """Description, origin and licence of a corpus."""
    if name not in corpora.DATASETS:
        return '<p class="fn-meta">A table of yours in FAKENEWS_DATA.</p>'
    spec = corpora.DATASETS[name]
    return (
        f'<p class="fn-meta">{escape(spec.description)}</p><p class="fn-meta">{escape(spec.label_meaning)}</p>'
        f'<p class="fn-meta">Licence: {escape(spec.licence)}</p>'
    )


def _title(corpus: str) -> str:
    return corpora.DATASETS[corpus].title if corpus in corpora.DATASETS else corpus
