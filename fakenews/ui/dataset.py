"""The Dataset tab: how the models did on a corpus, cell by cell, article by article."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
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
from fakenews.metrics.slices import SLICES
from fakenews.metrics.verdicts import labels_warning
from fakenews.text import join
from fakenews.ui import audit, dataset_curves, lists, make_set, own, reading, render, render_words
from fakenews.ui import dataset_files as files
from fakenews.ui.analyse import AnalyseTab
from fakenews.ui.measured import AS_SHIPPED, ERRORS, THRESHOLD, WHOLE, Looked, Measured, View, view_of
from fakenews.ui.scripts import on_load, script
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, filled, filling, heading, plain, segments, small

if TYPE_CHECKING:
    from fakenews.explain.global_importance import WordTotal
    from fakenews.review_sets.preparing import Preparer

logger = logging.getLogger(__name__)

WEIGHED = 60  # articles whose words are weighed at once
UNWEIGHED = f"Quick explanations of up to {WEIGHED} of them, summed by word."
OTHERWISE = (
    "Only the models as shipped can be asked which words move them, and these figures are of models trained otherwise: "
    "pick the protocol “The models as shipped”."
)
STAY: dict[str, Any] = {"scoring": gr.skip()}
UNLISTED: dict[str, Any] = {"list_heading": "", "table": "", "selected": "", "csv": files.ALL_ROWS}
NOTHING: dict[str, Any] = {"cards": "", "reading": "", "matrix": "", "figure": None, "numbers": "", **UNLISTED}
LOWEST, HIGHEST = 0.05, 0.95  # thresholds to be looked at
ALL = [("Everything", WHOLE)]
Shown = dict[str, Any]  # values by the names of the components that show them


class Dataset:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.measured = Measured(engine)
        self.looks = VisitorTokens()  # a new one of a visitor takes the place of the one before
        self.scorings = VisitorTokens()
        self.weighings = VisitorTokens()

    def look(self, view: View, request: gr.Request) -> Shown:
        """Return how far scoring is, with what `show` gives; nothing of it while the model has to be asked first."""
        visitor = request.session_hash or ""
        self.scorings.cancel(visitor)
        token = self.looks.start(visitor)
        try:
            to_score = self.measured.to_score(view)
            shown = {**NOTHING, **self._scoring(view, 0.0, None)} if to_score else {"scoring": "", **self.show(view)}
        except LookupError as error:
            shown = {"scoring": "", **_problem(error)}
        finally:
            self.looks.finish(visitor, token)
        return STAY if token.cancelled else {"picked": self.picked(view), **shown}

    def score(self, view: View, request: gr.Request) -> Iterator[Shown]:
        """Ask the model where `look` found that it has to be asked, with progress; then find what it was trained on.

        The list gets its last column when that was read, which is once.
        """
        visitor = request.session_hash or ""
        token = self.scorings.start(visitor)

        def work(progress: Progress) -> Iterator[bool]:
            self.measured.score(view, progress)
            yield True

        last: Shown = {"scoring": ""}
        try:
            if self._is_to_score(view):
                for update in watch(self.engine.scheduler, work, token, Lane.BATCH):
                    if update.result is None:
                        yield self._scoring(view, update.share, update.seconds_left)
                yield {"scoring": "", **self.show(view)}
            if self._has_new_twins(view) and not token.cancelled:
                yield {"scoring": "", **self._listed(self.measured.looked(view))}
        except (ValueError, LookupError) as error:
            yield {"scoring": "", **_problem(error)}
        except Cancelled:
            last = STAY
        finally:
            self.scorings.finish(visitor, token)
        yield last  # Gradio sends what comes last twice

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

    def _scoring(self, view: View, share: float, seconds_left: float | None) -> Shown:
        what = f"{self.engine.pool.title(view.model)} reads “{reading.title_of(view.corpus)}”"
        return {"scoring": render.progress(what, share, seconds_left)}

    def picked(self, view: View) -> str:
        """Return the one line behind which the pickers fold on a phone."""
        parts = (self.engine.pool.title(view.model), reading.title_of(view.corpus), view.split, view.part)
        return " · ".join(filter(None, parts))

    def show(self, view: View) -> Shown:
        """Return what stands right of the pickers, or why there is nothing."""
        try:
            looked = self.measured.looked(view)
        except (ValueError, LookupError) as error:
            return _problem(error)
        figure, numbers = dataset_curves.panel(self.engine.pool.title(view.model), looked)
        return {
            "cards": files.cards(looked.result),
            "reading": render.paragraph(reading.verdict(self.engine, looked)) + self._labels(looked),
            "matrix": files.matrix(looked.result, view.cell),
            "figure": figure,
            "numbers": numbers,
            **self._listed(looked),
        }

    def _listed(self, looked: Looked) -> Shown:
        view, measured = looked.view, self.measured
        title = self.engine.pool.title(view.model)
        return {**UNLISTED, **lists.listed(looked, title, measured.beside(view), measured.twins(view))}

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

    def pick(self, corpus: str, split: str, model: str, protocol: str, by: str, part: str) -> Shown:
        """Return what the other pickers offer, and what they show where that was not on offer any more."""
        measured = self.measured
        found = measured.corpora(protocol)
        corpus = corpus if corpus in [key for _, key in found] else found[0][1]
        splits = measured.splits(corpus, model, protocol)
        split = split if split in splits else splits[0]
        names = measured.parts(View(corpus, split, model, protocol=protocol, by=by))
        by = by if part in names or (names and part == WHOLE) else WHOLE
        shown = [(name, name) for name in names] if by != WHOLE else ALL
        return {
            "corpus": gr.update(choices=found, value=corpus),
            "split": gr.update(choices=splits, value=split),
            "by": by,
            "part": gr.update(choices=shown, value=part if part in names else shown[0][1], visible=by != WHOLE),
            "about": self.about(corpus),
            "audit": audit.section(corpus),
        }

    def slice_by(self, corpus: str, split: str, model: str, protocol: str, by: str, _: str) -> Any:
        """Return the slices there are, the first of them picked."""
        names = self.measured.parts(View(corpus, split, model, protocol=protocol, by=by))
        return gr.update(choices=names or ALL, value=names[0] if names else WHOLE, visible=bool(names))

    def export(self, view: View, format_: str, selected: str = "") -> str:
        """Return what is looked at as a file, packed for the browser; empty where there is nothing to look at.

        `selected` holds ids of articles with spaces between; a CSV holds these alone where there are any.
        """
        try:
            looked = None if self.measured.to_score(view) else self.measured.looked(view)
        except (ValueError, LookupError):
            return ""
        if looked is None:
            return ""
        title, others = self.engine.pool.title(view.model), self.measured.beside(view)
        return files.packed(self.engine, looked, format_, title, others, selected.split())

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


def _problem(error: Exception) -> Shown:
    return {**NOTHING, "cards": render.problem(str(error))}


def build(
    engine: Engine, analyse: AnalyseTab, tabs: gr.Tabs, preparer: Preparer, owner: gr.BrowserState
) -> Callable[[Any], None] | None:
    """Draw the tab inside the current one and wire it; return what handles the event of opening it."""
    tab = Dataset(engine)
    if not tab.measured.models:
        gr.HTML(render.problem("No model here has been measured: “fakenews train” measures what it trains."))
        return None
    parts = SimpleNamespace()
    with gr.Row(elem_classes="fn-columns", elem_id="fn-dataset"):
        with gr.Column(scale=2):
            _pickers(tab, parts)
        with gr.Column(scale=9):
            _results(parts)
            _sets_and_words(tab, parts, preparer, owner)
    parts.audit = gr.HTML(audit.section(parts.corpus.value), elem_id="fn-audit")
    own.build(engine)
    return _wire(tab, parts, analyse, tabs)


def _pickers(tab: Dataset, parts: SimpleNamespace) -> None:
    measured, model = tab.measured, tab.measured.models[0]
    choices = measured.corpora()
    first = choices[0][1]
    splits = measured.splits(first, model)
    parts.picked = small(tab.picked(View(first, splits[0], model)), "fn-looked")
    with gr.Column(elem_id="fn-pickers"):
        parts.corpus = gr.Dropdown(choices, value=first, label="Corpus", elem_id="fn-corpus")
        parts.protocol = gr.Dropdown(measured.protocols(), value=AS_SHIPPED, label="Protocol", elem_id="fn-protocol")
        parts.split = gr.Dropdown(splits, value=splits[0], label="Split", elem_id="fn-split")
        models = [(tab.engine.pool.title(m), m) for m in measured.models]
        parts.model = gr.Dropdown(models, value=model, label="Model", elem_id="fn-model")
        slices = [*ALL, *((title, key) for key, title in SLICES.items())]
        parts.by = gr.Dropdown(slices, value=WHOLE, label="Slice by", elem_id="fn-by")
        parts.part = gr.Dropdown(ALL, value=WHOLE, label="Slice", elem_id="fn-part", visible=False)
        parts.about = gr.HTML(tab.about(first), elem_id="fn-corpus-about")
        parts.threshold = gr.Slider(
            LOWEST, HIGHEST, value=THRESHOLD, step=0.01, label="Threshold", elem_id="fn-threshold", buttons=[]
        )
        parts.back = plain(f"Back to {THRESHOLD:.2f}", "fn-threshold-back", interactive=False)


def _results(parts: SimpleNamespace) -> None:
    parts.scoring = gr.HTML(elem_id="fn-scoring")
    parts.cards = gr.HTML(elem_id="fn-figures", min_height=70)
    parts.reading = gr.HTML(min_height=56)
    with gr.Row(elem_classes="fn-columns fn-figures"):
        with gr.Column():
            heading("Confusion matrix")
            parts.matrix = gr.HTML(elem_id="fn-matrix", js_on_load=on_load("open"), min_height=220)
        with gr.Column():
            parts.curve = segments("Curve", "fn-curve", dataset_curves.CURVES, "calibration")
            parts.figure = gr.Plot(show_label=False, container=False, elem_id="fn-plot")
            parts.numbers = gr.HTML()
    cells = [(words, key) for key, words in lists.CELLS.items()]
    with gr.Row(elem_classes="fn-whybar"):
        parts.list_heading = gr.HTML(min_height=44)
        parts.cell = gr.Dropdown(cells, value=ERRORS, label="Articles shown", elem_id="fn-cell")
    parts.table = gr.HTML(elem_id="fn-table", js_on_load=on_load("articles") + on_load("copy"), min_height=200)
    with gr.Row(elem_classes="fn-actions"):
        parts.csv = plain(files.ALL_ROWS, "fn-dataset-csv")
        parts.html = plain("Export report (HTML)", "fn-dataset-html")
        parts.json = plain("Export figures (JSON)", "fn-dataset-json")
        parts.make = make_set.opener("dataset-set")
    parts.selected, parts.file = gr.Textbox(visible=False), gr.Textbox(visible=False)


def _sets_and_words(tab: Dataset, parts: SimpleNamespace, preparer: Preparer, owner: gr.BrowserState) -> None:
    parts.sets = make_set.build(tab.engine, preparer, owner, "dataset-set", corpus=True)
    with gr.Row(elem_classes="fn-whybar"):
        heading("Global word importance")
        parts.weigh = small("Compute word importance", "fn-weigh")
        parts.stop = plain("Cancel", "fn-weigh-cancel")
    parts.across = gr.HTML(render.caption(UNWEIGHED), elem_id="fn-across")


def _wire(tab: Dataset, parts: SimpleNamespace, analyse: AnalyseTab, tabs: gr.Tabs) -> Callable[[Any], None]:
    components: dict[str, Any] = vars(parts)
    inputs = [components[name] for name in View._fields]
    outputs = [components[name] for name in ("scoring", "picked", *NOTHING)]
    quick: dict[str, Any] = {"concurrency_limit": 4, "concurrency_id": "dataset", **PRIVATE}
    asking: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "score", **PRIVATE}
    latest: dict[str, Any] = {"trigger_mode": "always_last"}
    bounded = script("bounded", lowest=LOWEST, highest=HIGHEST)

    def look(request: gr.Request, *picked: Any) -> dict[Any, Any]:
        return filled(components, tab.look(view_of(picked), request))

    def score(request: gr.Request, *picked: Any) -> Iterator[dict[Any, Any]]:
        yield from (filled(components, shown) for shown in tab.score(view_of(picked), request))

    def words(request: gr.Request, *picked: Any) -> Iterator[str]:
        yield from tab.words(view_of(picked), request)

    def pick_cell(event: gr.EventData) -> str:
        key = str(event.key)
        return key if key in lists.CELLS else ERRORS

    def open_row(corpus: str, event: gr.EventData) -> tuple[Any, ...]:
        return (*tab.measured.article(corpus, str(event.key)), gr.Tabs(selected="analyse"))

    def shown(listen: Callable[..., Any]) -> None:
        """Have an event show what is looked at, and ask the model where that has to be done first."""
        event = listen(look, inputs, outputs, js=bounded, **latest, **quick)
        event.then(score, inputs, outputs, js=bounded, **latest, **asking)

    picking = [components[name] for name in ("corpus", "split", "model", "protocol", "by", "part")]
    picked = [components[name] for name in ("corpus", "split", "by", "part", "about", "audit")]
    changing = [box.input for box in picking[:4]]
    shown(gr.on(changing, filling(components, tab.pick), picking, picked, **latest, **quick).then)
    shown(parts.by.input(tab.slice_by, picking, parts.part, **latest, **quick).then)
    shown(partial(gr.on, [parts.part.input, parts.cell.change, parts.curve.input, parts.threshold.input]))
    shown(parts.back.click(lambda: THRESHOLD, None, parts.threshold, queue=False, **PRIVATE).then)
    parts.threshold.release(None, parts.threshold, parts.threshold, js=bounded, **PRIVATE)
    away = script("away", threshold=THRESHOLD)
    parts.threshold.change(None, parts.threshold, parts.back, js=away, **PRIVATE)
    parts.picked.click(None, None, None, js=script("fold", what="#fn-pickers", by="#fn-looked"), **PRIVATE)
    parts.table.select(None, None, [parts.selected, parts.csv], js=script("ticked", none=files.ALL_ROWS), **PRIVATE)
    for key in ("html", "json", "csv"):

        def write(selected: str, *picked: Any, format_: str = key) -> str:
            return tab.export(view_of(picked), format_, selected)

        event = components[key].click(write, [parts.selected, *inputs], parts.file, js=bounded, **PRIVATE)
        event.then(None, parts.file, None, js=script("download"), **PRIVATE)
    weighing: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "explain", **PRIVATE}
    parts.weigh.click(words, inputs, parts.across, **weighing)
    parts.stop.click(tab.cancel, None, None, queue=False, **PRIVATE)
    gr.on([box.input for box in picking], tab.unweighed, None, parts.across, queue=False, **PRIVATE)
    clicked = parts.matrix.click(pick_cell, None, parts.cell, queue=False, **PRIVATE)
    clicked.then(None, None, None, js=script("refocus", focus="#fn-matrix [aria-pressed=true]"), **PRIVATE)
    opened = parts.table.click(open_row, parts.corpus, [analyse.title, analyse.body, tabs], queue=False, **PRIVATE)
    opened.then(None, None, None, js=script("analyse"), **PRIVATE)
    make_set.wire_corpus(parts.sets, tab.measured, parts.make, inputs, parts.selected)
    return shown
