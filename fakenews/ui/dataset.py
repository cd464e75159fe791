"""The Dataset tab: how the models did on a corpus, cell by cell, article by article."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from fakenews.data import registry as corpora
from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import VisitorTokens
from fakenews.engine.watch import watch
from fakenews.explain.base import Cancelled, Progress
from fakenews.metrics.curves import average_precision, calibration_bins, pr_points, roc_points
from fakenews.metrics.slices import SLICES
from fakenews.metrics.verdicts import labels_warning
from fakenews.reporting import plots
from fakenews.reporting.digits import area_text, metric_text
from fakenews.text import join
from fakenews.ui import audit, lists, own, reading, render, render_words
from fakenews.ui import dataset_files as files
from fakenews.ui.analyse import AnalyseTab
from fakenews.ui.measured import AS_SHIPPED, ERRORS, THRESHOLD, WHOLE, Looked, Measured, View
from fakenews.ui.scripts import on_load, script
from fakenews.ui.share import FORMATS
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, heading, plain, segments, small

if TYPE_CHECKING:
    from fakenews.explain.global_importance import WordTotal

logger = logging.getLogger(__name__)

WEIGHED = 60  # articles whose words are weighed at once
UNWEIGHED = f"Quick explanations of up to {WEIGHED} of them, summed by word."
OTHERWISE = (
    "Only the models as shipped can be asked which words move them, and these figures are of models trained otherwise: "
    "pick the protocol “The models as shipped”."
)
NOTHING: tuple[Any, ...] = ("", "", None, "", None, "", "", "")  # instead of what `Dataset.show` gives
CURVES = (("ROC", "roc"), ("Precision–recall", "pr"), ("Calibration", "calibration"))

LOWEST, HIGHEST = 0.05, 0.95  # thresholds to be looked at


class Dataset:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.measured = Measured(engine)
        self.looks = VisitorTokens()  # a new one of a visitor takes the place of the one before
        self.scorings = VisitorTokens()
        self.weighings = VisitorTokens()

    def look(self, view: View, request: gr.Request) -> tuple[Any, ...]:
        """Return how far scoring is, then what `show` gives; nothing of it while the model has to be asked first."""
        visitor = request.session_hash or ""
        self.scorings.cancel(visitor)
        token = self.looks.start(visitor)
        try:
            if self.measured.to_score(view):
                return (self._scoring(view, 0.0, None), *NOTHING)
            shown = self.show(view)
        except LookupError as error:
            shown = (render.problem(str(error)), *NOTHING[1:])
        finally:
            self.looks.finish(visitor, token)
        return (gr.skip(),) * (1 + len(NOTHING)) if token.cancelled else ("", *shown)

    def score(self, view: View, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """Ask the model where `look` found that it has to be asked, with progress; then find what it was trained on.

        The list gets its last column when that was read, which is once.
        """
        stay = (gr.skip(),) * len(NOTHING)
        visitor = request.session_hash or ""
        token = self.scorings.start(visitor)

        def work(progress: Progress) -> Iterator[bool]:
            self.measured.score(view, progress)
            yield True

        last: Any = ""
        try:
            if self._is_to_score(view):
                for update in watch(self.engine.scheduler, work, token, Lane.BATCH):
                    if update.result is None:
                        yield self._scoring(view, update.share, update.seconds_left), *stay
                yield "", *self.show(view)
            if self._has_new_twins(view) and not token.cancelled:
                yield "", *stay[2:], *lists.listed(self.measured.looked(view), self.measured.twins(view))
        except (ValueError, LookupError) as error:
            yield "", render.problem(str(error)), *NOTHING[1:]
        except Cancelled:
            last = gr.skip()
        finally:
            self.scorings.finish(visitor, token)
        yield last, *stay  # Gradio sends what comes last twice

    def _is_to_score(self, view: View) -> bool:
        try:
            return self.measured.to_score(view)
        except LookupError:  # `look` has said why it cannot be
            return False

    def _has_new_twins(self, view: View) -> bool:
        try:
            return self.measured.scored(view).has_text and self.measured.find_twins(view)
        except LookupError:
            return False

    def _scoring(self, view: View, share: float, seconds_left: float | None) -> str:
        what = f"{self.engine.pool.title(view.model)} reads “{reading.title_of(view.corpus)}”"
        return render.progress(what, share, seconds_left)

    def show(self, view: View) -> tuple[Any, ...]:
        """Return what stands right of the pickers: cards, sentence, matrix, words, curve, words, heading, table."""
        try:
            looked = self.measured.looked(view)
        except (ValueError, LookupError) as error:
            return (render.problem(str(error)), *NOTHING[1:])
        result = looked.result
        figure, figure_words = self._curve(looked)
        return (
            files.cards(result),
            render.paragraph(reading.verdict(self.engine, looked)) + self._labels(looked),
            plots.confusion_matrix_figure(result, lists.cell_of(view.cell)),
            render.caption(plots.describe_confusion_matrix(result)),
            figure,
            render.caption(figure_words),
            *lists.listed(looked, self.measured.twins(view)),
        )

    def _labels(self, looked: Looked) -> Markup:
        """Draw how the labels of the visitor's own table were read, and whether they may be the other way round."""
        notes = self.measured.notes(looked.view.corpus)
        if not notes:
            return Markup()
        warning, _, _ = labels_warning(looked.result, {}).partition(", say so")
        how = f"{warning}, write it anew with fakenews data split {looked.view.corpus} --fake 1 --out NEW.parquet."
        return render.caption(notes) + (render.problem(how) if warning else Markup())

    def about(self, name: str) -> Markup:
        """Draw description, origin and license of a corpus, and the files of the data folder that cannot be read."""
        spec = corpora.DATASETS.get(name)
        return draw("dataset", "about", spec=spec, unreadable=self.measured.unreadable())

    def export(self, view: View, format_: str) -> str:
        """Return what is looked at as a file, packed for the browser; empty where there is nothing to look at."""
        try:
            looked = None if self.measured.to_score(view) else self.measured.looked(view)
        except (ValueError, LookupError):
            return ""
        return "" if looked is None else files.packed(self.engine, looked, format_)

    def words(self, view: View, request: gr.Request) -> Iterator[str]:
        """Yield the words that move the model across the articles looked at, with progress on the way."""
        visitor = request.session_hash or ""
        token = self.weighings.start(visitor)
        title = self.engine.pool.title(view.model)
        try:
            if view.protocol != AS_SHIPPED:
                yield render.problem(OTHERWISE)
                return
            if self.measured.to_score(view):
                yield render.caption(f"{title} has not read these articles yet.")
                return
            scored = self.measured.scored(view)
            if not scored.has_text:
                yield render.problem(f"{scored.hint} The demo articles can be used without it.")
                return
            frame = self.measured.sliced(scored, view).frame
            frame = frame.sample(min(len(frame), WEIGHED), random_state=0)
            texts = [join(str(row["title"]), str(row["text"])) for _, row in frame.iterrows()]

            def work(progress: Progress) -> Iterator[tuple[WordTotal, ...]]:
                yield self.engine.explainers.global_importance(texts, view.model, progress)

            for update in watch(self.engine.scheduler, work, token, Lane.BATCH):
                if update.result is None:
                    what = f"Word importance of {len(texts)} articles"
                    yield render.progress(what, update.share, update.seconds_left)
                else:
                    yield render_words.words_across(update.result, len(texts), title, reading.title_of(view.corpus))
        except Cancelled:
            yield render.status("Cancelled.")
        except (InputError, ValueError, LookupError) as error:
            yield render.problem(str(error))
        finally:
            self.weighings.finish(visitor, token)

    def cancel(self, request: gr.Request) -> None:
        """Stop weighing."""
        self.weighings.cancel(request.session_hash or "")

    def unweighed(self, request: gr.Request) -> str:
        """Return what stands instead of words once something else is looked at; no more words are weighed."""
        self.cancel(request)
        return render.caption(UNWEIGHED)

    def _curve(self, looked: Looked) -> tuple[Any, str]:
        name, kind, result = self.engine.pool.title(looked.view.model), looked.view.curve, looked.result
        labels, p_fake, threshold = looked.labels, looked.p_fake, looked.view.threshold
        if kind == "calibration":
            models = [(name, calibration_bins(labels, p_fake))]
            return plots.calibration_figure(models), plots.describe_calibration(models)
        if result.roc_auc is None:
            return None, "There are articles of one class only, so there is no such curve: pick Calibration."
        (found, _), (mistaken, _) = result.confusion_matrix
        recall = found / result.n_fake
        if kind == "roc":
            points = roc_points(labels, p_fake)
            curves = [plots.Curve(name, points.fpr, points.tpr, metric_text(result, "roc_auc").value)]
            mark = plots.OperatingPoint(mistaken / result.n_real, recall, threshold)
            return plots.roc_figure(curves, mark), plots.describe_roc(curves, mark)
        precisions, recalls, _ = pr_points(labels, p_fake)
        curves = [plots.Curve(name, recalls, precisions, area_text(average_precision(labels, p_fake)))]
        guessing, called = result.n_fake / result.n, found + mistaken
        at = plots.OperatingPoint(recall, found / called, threshold) if called else None
        return plots.pr_figure(curves, guessing, at), plots.describe_pr(curves, guessing, at)


def build(engine: Engine, analyse: AnalyseTab, tabs: gr.Tabs) -> Callable[[Any], None] | None:
    """Draw the tab inside the current one and wire it; return what handles the event of opening it."""
    tab = Dataset(engine)
    measured = tab.measured
    if not measured.models:
        gr.HTML(render.problem("No model here has been measured: “fakenews train” measures what it trains."))
        return None
    choices = measured.corpora()
    first = choices[0][1]
    splits = measured.splits(first, measured.models[0])
    with gr.Row(elem_classes="fn-columns"):
        with gr.Column(scale=2):
            protocol = gr.Dropdown(measured.protocols(), value=AS_SHIPPED, label="Protocol", elem_id="fn-protocol")
            corpus = gr.Dropdown(choices, value=first, label="Corpus", elem_id="fn-corpus")
            split = gr.Dropdown(splits, value=splits[0], label="Split", elem_id="fn-split")
            model = gr.Dropdown(
                [(engine.pool.title(m), m) for m in measured.models], value=measured.models[0], label="Model",
                elem_id="fn-model",
            )  # fmt: skip
            by = gr.Dropdown(
                [("Everything", WHOLE), *((title, key) for key, title in SLICES.items())],
                value=WHOLE, label="Slice by", elem_id="fn-by",
            )  # fmt: skip
            part = gr.Dropdown([("Everything", WHOLE)], value=WHOLE, label="Slice", elem_id="fn-part", visible=False)
            threshold = gr.Slider(
                LOWEST, HIGHEST, value=THRESHOLD, step=0.01, label="Fake from a probability of",
                elem_id="fn-threshold", buttons=[],
            )  # fmt: skip
            back = gr.Button(
                f"Back to {THRESHOLD:.2f}", size="sm", elem_classes="fn-plain", elem_id="fn-threshold-back",
                interactive=False,
            )  # fmt: skip
            about = gr.HTML(tab.about(first), elem_id="fn-corpus-about")
        with gr.Column(scale=9):
            scoring = gr.HTML(elem_id="fn-scoring")
            cards = gr.HTML(elem_id="fn-figures", min_height=70)
            reading = gr.HTML(min_height=56)
            with gr.Row(elem_classes="fn-columns fn-figures"):
                with gr.Column():
                    heading("Confusion matrix")
                    matrix = gr.Plot(show_label=False, container=False, elem_id="fn-matrix")
                    matrix_words = gr.HTML()
                with gr.Column():
                    curve = segments("Curve", "fn-curve", CURVES, "calibration")
                    figure = gr.Plot(show_label=False, container=False, elem_id="fn-plot")
                    figure_words = gr.HTML()
            cell = gr.Dropdown(
                [(words, key) for key, words in lists.CELLS.items()], value=ERRORS, label="Articles shown",
                elem_id="fn-cell",
            )  # fmt: skip
            list_heading = gr.HTML(min_height=44)
            table = gr.HTML(elem_id="fn-table", js_on_load=on_load("open"), min_height=200)
            with gr.Row(elem_classes="fn-actions"):
                downloads = [
                    plain(name, f"fn-dataset-{key}")
                    for name, key in ((FORMATS[0][0], "html"), (FORMATS[1][0], "json"), ("Articles (CSV)", "csv"))
                ]
            file = gr.Textbox(visible=False)
            with gr.Row(elem_classes="fn-whybar"):
                heading("Global word importance")
                weigh = small("Compute word importance", "fn-weigh")
                stop = plain("Cancel", "fn-weigh-cancel")
            across = gr.HTML(render.caption(UNWEIGHED), elem_id="fn-across")
    clicks = gr.HTML("", elem_classes="fn-hidden", js_on_load=on_load("matrix"))

    given_away = gr.HTML(audit.section(first), elem_id="fn-audit")
    own.build(engine)

    inputs = [corpus, split, model, cell, curve, protocol, by, part, threshold]
    outputs = [scoring, cards, reading, matrix, matrix_words, figure, figure_words, list_heading, table]

    def look(request: gr.Request, *picked: Any) -> tuple[Any, ...]:
        return tab.look(_view(picked), request)

    def score(request: gr.Request, *picked: Any) -> Iterator[tuple[Any, ...]]:
        yield from tab.score(_view(picked), request)

    def words(request: gr.Request, *picked: Any) -> Iterator[str]:
        yield from tab.words(_view(picked), request)

    def pick(corpus: str, split: str, model: str, protocol: str, by: str, part: str) -> tuple[Any, ...]:
        """Return what the other pickers offer, and what they show where that was not on offer any more."""
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
            tab.about(corpus),
            audit.section(corpus),
        )

    def pick_slicing(corpus: str, split: str, model: str, protocol: str, by: str) -> Any:
        names = measured.parts(View(corpus, split, model, protocol=protocol, by=by))
        if not names:
            return gr.update(choices=[("Everything", WHOLE)], value=WHOLE, visible=False)
        return gr.update(choices=names, value=names[0], visible=True)

    def pick_cell(event: gr.EventData) -> str:
        key = str(event.key)
        return key if key in lists.CELLS else ERRORS

    def open_row(corpus: str, event: gr.EventData) -> tuple[Any, ...]:
        return (*measured.article(corpus, str(event.key)), gr.Tabs(selected="analyse"))

    quick: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "dataset", **PRIVATE}
    asking: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "score", **PRIVATE}

    bounded = script("bounded", lowest=LOWEST, highest=HIGHEST)

    def shown(listen: Callable[..., Any]) -> None:
        """Have an event show what is looked at, and ask the model where that has to be done first."""
        event = listen(look, inputs, outputs, js=bounded, trigger_mode="always_last", **quick)
        event.then(score, inputs, outputs, js=bounded, trigger_mode="always_last", **asking)

    picking = [corpus, split, model, protocol, by, part]
    picked = [corpus, split, by, part, about, given_away]
    changed = gr.on(
        [protocol.input, corpus.input, split.input, model.input], pick, picking, picked, trigger_mode="always_last",
        **quick,
    )  # fmt: skip
    shown(changed.then)
    slicing = by.input(pick_slicing, [corpus, split, model, protocol, by], part, trigger_mode="always_last", **quick)
    shown(slicing.then)
    shown(partial(gr.on, [part.input, cell.change, curve.input, threshold.input]))
    shown(back.click(lambda: THRESHOLD, None, threshold, queue=False, **PRIVATE).then)
    threshold.release(None, threshold, threshold, js=bounded, **PRIVATE)
    threshold.change(None, threshold, back, js=script("away", threshold=THRESHOLD), **PRIVATE)
    for button, key in zip(downloads, ("html", "json", "csv"), strict=True):

        def write(*picked: Any, format_: str = key) -> str:
            return tab.export(_view(picked), format_)

        button.click(write, inputs, file, js=bounded, **PRIVATE).then(
            None, file, None, js=script("download"), **PRIVATE
        )
    weighing: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "explain", **PRIVATE}
    weigh.click(words, inputs, across, **weighing)
    stop.click(tab.cancel, None, None, queue=False, **PRIVATE)
    gr.on([box.input for box in picking], tab.unweighed, None, across, queue=False, **PRIVATE)
    clicks.click(pick_cell, None, cell, queue=False, **PRIVATE)
    table.click(open_row, corpus, [analyse.title, analyse.body, tabs], queue=False, **PRIVATE).then(
        None,
        None,
        None,
        js=script("analyse"),
        **PRIVATE,
    )
    return shown


def _view(picked: Sequence[Any]) -> View:
    """Return what the pickers show, in the order of the fields of `View`."""
    return View(*picked)._replace(threshold=round(picked[-1], 2))
