"""The Analyse tab: paste, verdict, highlights that stream in after it, words, methods."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from fakenews import web
from fakenews.engine import Engine
from fakenews.engine.errors import EmptyText, InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token, VisitorTokens
from fakenews.engine.values import ExplanationRequest
from fakenews.engine.watch import watch
from fakenews.explain import registry as explainers
from fakenews.explain.agreement import agreement
from fakenews.explain.base import Cancelled, Progress
from fakenews.formatting import FormattingTest
from fakenews.schema import Explanation
from fakenews.ui import render, render_edits, render_highlights, render_verdicts, render_words, share, what_if
from fakenews.ui.scripts import on_load, script
from fakenews.ui.shown import Shown
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, heading, segments, small

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.share.store import ShareStore

logger = logging.getLogger(__name__)

QUICK = "quick"
METHODS = (("Quick", QUICK), ("LIME", "lime"), ("SHAP", "shap"))
UNITS = (("Word", "word"), ("Sentence", "sentence"))
SORRY = "Something went wrong on our side; your text is still in the box. Please try again."
SILENT = render.heard("")
STAY = (gr.skip(),) * 7  # of what `Analyse.explain` yields
FIRST_EXAMPLES = {"wire": "in the manner of an agency report", "hoax": "in the manner of a hoax", "satire": "satire"}

LONE_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.I)


class AnalyseTab(NamedTuple):
    """What other tabs need of this one."""

    title: gr.Textbox
    body: gr.Textbox
    run: gr.Button


class Analyse:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, engine: Engine, demo: pd.DataFrame) -> None:
        self.engine = engine
        self.demo = demo.set_index("id")
        self.judging, self.explaining, self.flipping = VisitorTokens(), VisitorTokens(), VisitorTokens()
        self._settling = threading.Lock()
        self.models = engine.pool.side_by_side
        self.titles = {m: engine.pool.title(m) for m in engine.pool.defaults}
        self.records = {m: engine.evidence.accuracy_sentence(m) for m in engine.pool.defaults}

    def start_page(self) -> str:
        """Return what stands in the right column before the first run."""
        first = [self.demo[self.demo["subject"] == kind].iloc[0] for kind in FIRST_EXAMPLES]
        choices = [(str(row.name), row["title"], FIRST_EXAMPLES[row["subject"]]) for row in first]
        return render_verdicts.examples(choices)

    def example(self, key: str) -> tuple[Any, Any]:
        """Return title and body of a demo article."""
        if key not in self.demo.index:
            return gr.skip(), gr.skip()
        row = self.demo.loc[key]
        return row["title"], row["text"]

    def fetch(self, url: str) -> tuple[Any, Any, str]:
        """Return title and body of the article at an address, to be read and edited before anything is scored."""
        try:
            article = web.read(url or "", self.engine.settings.max_chars)
        except InputError as error:
            return gr.skip(), gr.skip(), render.problem(str(error))
        except Exception as error:
            logger.error("fetching failed: %s", type(error).__name__)
            return gr.skip(), gr.skip(), render.problem(SORRY)
        sentence = f"From {article.url}. Check it against the page, then press Analyse."
        if article.cut:
            limit = self.engine.settings.max_chars
            sentence += f" It was cut to the {limit:,} characters that can be analysed at once."
        return article.title, article.text, render.caption(sentence)

    def judge(self, title: str, body: str, length: float, unit: render.Unit, request: gr.Request) -> tuple[Any, ...]:
        """Return the verdict of all models, and whatever else of the page it fills, as `build` names it.

        Nothing changes where the visitor has asked about another text meanwhile, or cleared the page.
        """
        visitor = request.session_hash or ""
        with self._settling:
            token = self.judging.start(visitor)
        judged = self._judged(title, body, length, unit, token)
        with self._settling:  # a later request begins before this, or after what it might lose is left
            if not self.judging.finish(visitor, token):
                return (gr.skip(),) * len(judged)
            self.leave(request)
        return judged

    def _judged(self, title: str, body: str, length: float, unit: render.Unit, token: Token) -> tuple[Any, ...]:
        try:
            if length > self.engine.settings.max_chars:
                raise InputError(
                    f"This text has {int(length):,} characters; up to {self.engine.settings.max_chars:,} can be "
                    "analysed at once, so shorten it or send it in parts."
                )
            text = self.engine.judge.check(title or "", body or "")
            with self.engine.scheduler.slot(Lane.VERDICT, token):
                analysis = self.engine.judge.analyse(text, token=token)
        except Cancelled:
            return self._nothing("")  # nobody looks at it any more
        except EmptyText as error:
            return self._nothing(render.problem(str(error) + self._way_from_address(title, body)))
        except InputError as error:
            return self._nothing(render.problem(str(error)))
        except Exception:
            logger.exception("judging failed")  # the traceback names no text
            return self._nothing(render.problem(SORRY))
        shown = Shown(analysis, self.models)
        cards = self._cards(shown)
        edits = what_if.Edits([text])
        panel = render.caption(what_if.HINT), what_if.UNCHANGED, render_edits.edited(text, text, unit), text, ""
        plain = render_highlights.plain(text)
        drawn = cards, self._heard(shown), render_verdicts.reading(analysis), gr.update(visible=True), plain
        return (*drawn, "", "", shown, edits, *panel)

    def _way_from_address(self, title: str, body: str) -> str:
        """Return what to do with an address that was pasted where the text belongs."""
        found = self.engine.settings.url_fetch and LONE_ADDRESS.fullmatch(f"{title or ''} {body or ''}".strip())
        return " Put this one into “Address” and press Fetch." if found else ""

    def _nothing(self, instead: str) -> tuple[Any, ...]:
        hidden = gr.update(visible=False)
        return instead, SILENT, "", hidden, "", "", "", None, None, "", what_if.UNCHANGED, "", "", ""

    def explain_first(
        self, shown: Shown | None, view: str, method: str, unit: render.Unit, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Yield what follows a verdict: `explain`, unless it was dropped and the one before stands explained."""
        if shown is None or not shown.begun:
            yield from self.explain(shown, view, method, unit, request)
        else:
            yield STAY

    def explain(
        self, shown: Shown | None, view: str, method: str, unit: render.Unit, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Yield highlights: the quick ones at once, the formatting test, the chosen method as it refines, the grade.

        Once another run of the visitor has begun, nothing more is drawn; and because Gradio sends the last of what was
        yielded once more when all is done, the last then changes nothing.

        Yields
        ------
        tuple
            Status line, highlighted text, legend with grade, words, cards, what is heard of them, method.
        """
        if shown is None or not shown.models:
            yield _only(render.status(""))
            return
        shown.begun = True
        shown.unit = shown.unit or unit  # one picked since this was asked for is on the page
        visitor = request.session_hash or ""
        token = self.explaining.start(visitor)
        view = view if view in shown.models else shown.models[0]
        message = None
        try:
            for drawn in self._explained(shown, view, method, token):
                if token.cancelled:
                    raise Cancelled
                yield drawn
        except Cancelled:
            message = "Cancelled; the highlights stay as they are."
        except InputError as error:
            message = str(error)
        except Exception:
            logger.exception("explaining failed")
            message = SORRY
        finally:
            last = self.explaining.finish(visitor, token)
        if not last:
            yield STAY
        elif message is not None:
            yield (*_only(render.status(message))[:-1], self._method(shown, view))

    def _explained(self, shown: Shown, view: str, method: str, token: Token) -> Iterator[tuple[Any, ...]]:
        """Yield what `explain` draws; explanations by a slow method stay until the first better one is there."""
        for model in sorted(shown.models, key=lambda m: m != view):
            if method == QUICK or model not in shown.explanations:
                shown.put(model, self._quick(shown.text, model))
            if model == view:
                yield self._all(render.status("Quick highlights; more follows"), shown, view)
        yield self._all(render.status(self._done(shown, view)), shown, view)
        if shown.analysis.formatting is None:

            def work(progress: Progress) -> Iterator[FormattingTest]:
                yield self.engine.judge.formatting_test(shown.text)

            for update in watch(self.engine.scheduler, work, token):
                if update.result is not None:
                    shown.analysis = shown.analysis.tested(update.result)
                    yield (*STAY[:4], self._cards(shown), self._heard(shown), gr.skip())
        if method != QUICK:
            yield from self._refine(shown, view, method, token)
        yield from self._grade(shown, view, token)

    def _method(self, shown: Shown, view: str) -> Any:
        """Return the method whose highlights are shown."""
        if view not in shown.explanations:
            return gr.skip()
        explainer = shown.explanations[view].explainer
        return explainer if explainer in dict(METHODS).values() else QUICK

    def _refine(self, shown: Shown, view: str, method: str, token: Token) -> Iterator[tuple[Any, ...]]:
        name = explainers.get(method).title
        for model in sorted(shown.models, key=lambda m: m != view):
            if method not in self.engine.explainers.methods(model):
                continue
            what = f"{name} for {self.titles[model]}"
            yield _only(render.progress(what, 0.0, None))
            refine = partial(self.engine.explainers.refine, ExplanationRequest(shown.text, model, method))
            for update in watch(self.engine.scheduler, refine, token):
                stability = shown.explanations[model].stability
                line = render.progress(what, update.share, update.seconds_left, stability)
                if update.result is None:
                    yield _only(line)
                    continue
                shown.put(model, update.result.explanation)
                yield self._all(line, shown, view)
        yield _only(render.status(self._done(shown, view)))

    def _grade(self, shown: Shown, view: str, token: Token) -> Iterator[tuple[Any, ...]]:
        done = self._done(shown, view)
        yield _only(render.status(f"{done}; grading it"))

        def work(progress: Progress) -> Iterator[Explanation]:
            yield self.engine.explainers.grade(shown.explanations[view], view, progress)

        for update in watch(self.engine.scheduler, work, token):
            if update.result is not None:
                shown.explanations[view] = update.result
                shown.graded.add(view)
        yield self._all(render.status(done), shown, view)

    def redraw(self, shown: Shown | None, view: str, unit: render.Unit) -> tuple[Any, ...]:
        """Return the text as it is highlighted, by word or by sentence."""
        if shown is not None:
            shown.unit = unit
        if shown is None or view not in shown.explanations:
            return gr.skip(), gr.skip(), gr.skip()
        return self._drawn(shown, view)

    def cancel(self, request: gr.Request) -> None:
        """Stop the visitor's explanation, which stays as far as it has come."""
        self.explaining.cancel(request.session_hash or "")

    def leave(self, request: gr.Request) -> None:
        """Stop whatever is done for the visitor; nothing of it is drawn any more."""
        visitor = request.session_hash or ""
        for tokens in (self.judging, self.explaining, self.flipping):
            tokens.leave(visitor)

    def leave_explanation(self, request: gr.Request) -> None:
        """Stop the visitor's explanation for another one of the same text."""
        self.explaining.leave(request.session_hash or "")

    def begin(self, request: gr.Request) -> str:
        """Leave, and return silence, so that the same verdict once more is heard once more."""
        self.leave(request)
        return SILENT

    def clear(self, request: gr.Request) -> tuple[Any, ...]:
        """Return everything as on the first visit."""
        self.leave(request)
        return "", "", *self._nothing(self.start_page())

    def _quick(self, text: str, model: str) -> Explanation:
        method = self.engine.explainers.methods(model)[0]
        return self.engine.explainers.explain(ExplanationRequest(text, model, method))

    def _cards(self, shown: Shown) -> str:
        return render_verdicts.verdicts(shown.analysis, self.titles, self.records)

    def _heard(self, shown: Shown) -> str:
        return render_verdicts.verdicts_heard(shown.analysis, self.titles)

    def _drawn(self, shown: Shown, view: str) -> tuple[str, str, str]:
        explanation = shown.explanations[view]
        method = explainers.get(explanation.explainer).title
        legend = render_highlights.legend(explanation, self.titles[view], method)
        if explanation.grade is not None or view in shown.graded:
            legend += render_highlights.grade(explanation, method)
        explained = [m for m in shown.models if m in shown.explanations]
        words = render_words.top_words([(self.titles[m], shown.explanations[m]) for m in explained])
        if len(explained) > 1 and explanation.attributions:
            found = agreement([shown.explanations[m] for m in explained])
            words += render_words.rank_agreement(found, shown.text, [self.titles[m] for m in explained])
        if explanation.attributions and explanation.explainer != (quick := self._quick(shown.text, view)).explainer:
            found = agreement([explanation, quick])
            words += render_words.rank_agreement(found, shown.text, [method, explainers.get(quick.explainer).title])
        return render_highlights.highlighted(explanation, shown.unit or "word"), legend, words

    def _all(self, status: str, shown: Shown, view: str) -> tuple[Any, ...]:
        """Return the status line and everything `_drawn`; the rest stays."""
        return (status, *self._drawn(shown, view), *STAY[4:])

    def _done(self, shown: Shown, view: str) -> str:
        explanation = shown.explanations[view]
        return f"{explainers.get(explanation.explainer).title}, done in {explanation.seconds:.1f} s"


def _only(status: str) -> tuple[Any, ...]:
    """Return the status line alone; everything else stays."""
    return (status, *STAY[1:])


def build(
    engine: Engine, store: ShareStore, demo: pd.DataFrame, blocks: gr.Blocks, owner: gr.BrowserState
) -> AnalyseTab:
    """Draw the tab inside the current one and wire it."""
    tab = Analyse(engine, demo)
    models = [(tab.titles[m], m) for m in tab.models]
    shown = gr.State(None)
    with gr.Row(elem_classes="fn-columns"):
        with gr.Column(scale=5):
            if engine.settings.url_fetch:
                with gr.Row(elem_classes="fn-shareform fn-address"):
                    address = gr.Textbox(
                        label="Address", max_lines=1, placeholder="https://… or paste the text below",
                        elem_id="fn-address",
                    )  # fmt: skip
                    fetch = small("Fetch", "fn-fetch")
                fetched = gr.HTML(elem_id="fn-fetched")
            title = gr.Textbox(label="Title", lines=1, max_lines=3, placeholder="Optional", elem_id="fn-title")
            body = gr.Textbox(
                label="Article", lines=16, max_lines=16, elem_id="fn-body",
                placeholder="Paste a news article in English. Nothing is stored unless you press Share.",
            )  # fmt: skip
            with gr.Column(elem_classes="fn-oneplace"):
                meta = gr.HTML(elem_id="fn-meta")
                gr.HTML(draw("parts", "changed"), elem_id="fn-changed")
            with gr.Row(elem_classes="fn-actions"):
                run = gr.Button("Analyse", variant="primary", elem_id="fn-analyse")
                clear = gr.Button("Clear", elem_classes="fn-plain", elem_id="fn-clear")
            choices = [(f"{row['title']} ({row['subject']})", str(key)) for key, row in tab.demo.iterrows()]
            example = gr.Dropdown(choices, value=None, label="Examples, written for this demo", elem_id="fn-example")
        with gr.Column(scale=7):
            cards = gr.HTML(tab.start_page(), elem_id="fn-result", js_on_load=on_load("open"))
            heard = gr.HTML(SILENT, elem_id="fn-heard", elem_classes="fn-hidden")
            with gr.Column(visible=False, elem_classes="fn-why", elem_id="fn-why") as why:
                with gr.Row(elem_classes="fn-whybar"):
                    heading("Why")
                    view = segments("Model shown", "fn-view", models, models[0][1] if models else None)
                    unit = segments("Unit", "fn-unit", UNITS, "word")
                    method = segments("Method", "fn-method", METHODS, QUICK)
                with gr.Row(elem_classes="fn-progressrow"):
                    status = gr.HTML(render.status(""), elem_id="fn-status")
                    cancel = small("Cancel", "fn-cancel")
                text = gr.HTML(elem_id="fn-highlight")
                legend = gr.HTML(elem_id="fn-legend")
                words = gr.HTML(elem_id="fn-top")
                panel = what_if.build(engine, tab.flipping, unit, view)
                shared = share.build(engine, store, shown, owner)
    length = gr.Number(0, visible=False)

    judged = [cards, heard, meta, why, text, legend, words, shown, panel.edits, *panel.outputs, shared]
    explained = [status, text, legend, words, cards, heard, method]

    # Nothing is lost because the same was asked for just before and is still under way: that gives up.
    again: dict[str, Any] = {"trigger_mode": "multiple", "concurrency_limit": 2, **PRIVATE}
    judging: dict[str, Any] = {"js": script("cut"), "concurrency_id": "judge", **again}
    explaining: dict[str, Any] = {"concurrency_id": "explain", **again}

    def chain(on: Any) -> None:
        begun = on(tab.begin, None, heard, queue=False, **PRIVATE)
        if engine.settings.url_fetch:
            begun.then(lambda: "", None, fetched, js=script("held"), queue=False, **PRIVATE)
        judge = begun.then(tab.judge, [title, body, length, unit], judged, **judging)
        judge.success(None, [title, body], None, js=script("analysed"), **PRIVATE)
        judge.then(tab.explain_first, [shown, view, method, unit], explained, **explaining)

    if engine.settings.url_fetch:
        gr.on(
            [fetch.click, address.submit], tab.fetch, address, [title, body, fetched],
            concurrency_limit=2, concurrency_id="fetch", **PRIVATE,
        )  # fmt: skip
        clear.click(lambda: ("", ""), None, [address, fetched], queue=False, **PRIVATE)
    gr.on([title.change, body.change], None, [title, body], None, js=script("changed"), **PRIVATE)
    chain(run.click)
    chain(example.input(tab.example, example, [title, body], queue=False, **PRIVATE).then)

    def open_example(event: gr.EventData) -> tuple[Any, Any]:
        return tab.example(str(event.key))

    chain(cards.click(open_example, None, [title, body], queue=False, **PRIVATE).then)
    gr.on([view.input, method.input], tab.leave_explanation, None, None, queue=False, **PRIVATE).then(
        tab.explain, [shown, view, method, unit], explained, **explaining
    )
    unit.input(tab.redraw, [shown, view, unit], [text, legend, words], queue=False, **PRIVATE)
    cancel.click(tab.cancel, None, None, js=script("cancelled"), queue=False, **PRIVATE)
    clear.click(tab.clear, None, [title, body, *judged], queue=False, **PRIVATE)
    blocks.unload(tab.leave)
    return AnalyseTab(title, body, run)
