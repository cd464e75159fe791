"""The Analyse tab: paste an article; it comes back highlighted, with one answer beside it."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from fakenews import web
from fakenews.classifiers.ensemble import MEMBERS
from fakenews.engine import Engine
from fakenews.engine.errors import EmptyText, InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import Token, VisitorTokens
from fakenews.explain.base import Cancelled
from fakenews.ui import render, render_edits, render_highlights, render_verdicts, share
from fakenews.ui.answer import SILENT, Answer
from fakenews.ui.scripts import script
from fakenews.ui.shown import Shown
from fakenews.ui.templates import draw
from fakenews.ui.what_if import HINT, WhatIfPanel
from fakenews.ui.why import Why
from fakenews.ui.widgets import EXPLAINING, JUDGING, PRIVATE, Drawn, plain, small, unchanged

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.review_sets.preparing import Preparer
    from fakenews.share.store import ShareStore

logger = logging.getLogger(__name__)

SORRY = "Something went wrong on our side; your text is still in the box. Please try again."
FIRST_EXAMPLES = {"wire": "in the manner of an agency report", "hoax": "in the manner of a hoax", "satire": "satire"}

LONE_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.I)


class AnalyseTab(NamedTuple):
    """What other tabs need of this one."""

    title: gr.Textbox
    body: gr.Textbox
    run: gr.Button


class Analyse:
    """The tab's components, drawn inside the current one, and what becomes of an article."""

    def __init__(
        self, engine: Engine, store: ShareStore, demo: pd.DataFrame, owner: gr.BrowserState, preparer: Preparer
    ) -> None:
        self.engine = engine
        self.demo = demo.set_index("id")
        self.judging = VisitorTokens()
        self._settling = threading.Lock()
        self.shown = gr.State(None)
        with gr.Row(elem_classes="fn-columns fn-desk"):
            with gr.Column(scale=7, elem_id="fn-doc"):
                self._draw_form()
                article = gr.Column(visible=False, elem_id="fn-article")
            with gr.Column(scale=5, elem_id="fn-side"):
                with gr.Column(elem_id="fn-beside"):
                    self.answer = Answer(engine, self.start_page())
                    with gr.Column(visible=False, elem_id="fn-then") as self.then:
                        self.shared = share.build(engine, store, self.shown, owner, preparer)
                        self._draw_models()
                with gr.Column(visible=False, elem_id="fn-why") as self.beneath:
                    self.why = Why(engine, self.answer)
                    self.why.draw(engine.pool.side_by_side)
        self.article = article
        with article:
            with gr.Row(elem_classes="fn-tools fn-notinwhatif"):
                self.meta = gr.HTML(elem_id="fn-meta")
                self.edit = plain("Edit", "fn-edit")
                self.open_what_if = plain("What if…", "fn-whatif")
                self.clear_article = plain("Clear", "fn-clear-article")
            self.what_if = WhatIfPanel(engine, self.answer)
            self.why.draw_article()
            gr.HTML(render_highlights.key(), elem_id="fn-legend")

    def _draw_form(self) -> None:
        with gr.Column(elem_id="fn-form"):
            if self.engine.settings.url_fetch:
                with gr.Row(elem_classes="fn-shareform fn-address"):
                    self.address = gr.Textbox(
                        label="Address", max_lines=1, placeholder="https://… or paste the text below",
                        elem_id="fn-address",
                    )  # fmt: skip
                    self.fetch_address = small("Fetch", "fn-fetch")
                self.fetched = gr.HTML(elem_id="fn-fetched")
            self.title = gr.Textbox(label="Title", lines=1, max_lines=3, placeholder="Optional", elem_id="fn-title")
            self.body = gr.Textbox(
                label="Article", lines=16, max_lines=16, elem_id="fn-body",
                placeholder="Paste a news article in English. Nothing is stored unless you press Share.",
            )  # fmt: skip
            with gr.Row(elem_classes="fn-actions"):
                self.run = gr.Button("Analyse", variant="primary", elem_id="fn-analyse")
                self.back = plain("Back to the highlights", "fn-back")
                self.clear_form = plain("Clear", "fn-clear")
            gr.HTML(draw("parts", "changed"), elem_id="fn-changed")

    def _draw_models(self) -> None:
        self.offered, usual = self.engine.pool.models, list(self.engine.pool.defaults)
        with gr.Column(elem_id="fn-models-panel", elem_classes="fn-panel"):
            self.models = gr.CheckboxGroup(
                self._choices(), value=usual, label="Models", elem_id="fn-models", elem_classes="fn-choice"
            )

    def _choices(self) -> list[tuple[str, str]]:
        return [(title, model) for model, title in self.answer.titles.items()]

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `judge` and `clear` fill."""
        return [
            *self.answer.outputs, self.meta, self.article, self.then, self.beneath, self.why.text, self.why.words,
            self.why.status, self.why.view, self.what_if.struck, self.what_if.message, self.shown, self.shared,
        ]  # fmt: skip

    def start_page(self) -> str:
        """Return what stands beside the box before the first run."""
        first = [self.demo[self.demo["subject"] == kind].iloc[0] for kind in FIRST_EXAMPLES]
        choices = [(str(row.name), row["title"], FIRST_EXAMPLES[row["subject"]]) for row in first]
        return render_verdicts.examples(choices)

    def example(self, event: gr.EventData) -> Drawn:
        """Return title and body of the demo article that was clicked."""
        if event.key not in self.demo.index:
            return unchanged(self.title)
        row = self.demo.loc[event.key]
        return {self.title: row["title"], self.body: row["text"]}

    def offer(self, _: list[str], named: str) -> Any:
        """Return the choice of models where some came or went after the page was built; those `named` are chosen."""
        self.engine.pool.refresh()
        here = self.engine.pool.models
        if here == self.offered:
            return gr.skip()
        chosen = [model for model in named.split(",") if model in here]
        return gr.update(choices=self._choices(), value=chosen or list(self.engine.pool.defaults))

    def fetch(self, url: str) -> Drawn:
        """Return title and body of the article at an address, to be read and edited before anything is scored."""
        try:
            article = web.read(url or "", self.engine.settings.max_chars)
        except InputError as error:
            return {self.fetched: render.problem(str(error))}
        except Exception as error:
            logger.error("fetching failed: %s", type(error).__name__)
            return {self.fetched: render.problem(SORRY)}
        sentence = f"From {article.url}. Check it against the page, then press Analyse."
        if article.cut:
            limit = self.engine.settings.max_chars
            sentence += f" It was cut to the {limit:,} characters that can be analyzed at once."
        return {self.title: article.title, self.body: article.text, self.fetched: render.caption(sentence)}

    def judge(self, title: str, body: str, length: float, models: list[str], request: gr.Request) -> Drawn:
        """Return the answer of the models, and whatever else of the page it fills.

        Nothing changes where the visitor has asked about another text meanwhile, or cleared the page.
        """
        visitor = request.session_hash or ""
        with self._settling:
            token = self.judging.start(visitor)
        judged = self._judged(title, body, length, models, token)
        with self._settling:  # a later request begins before this, or after what it might lose is left
            if not self.judging.finish(visitor, token):
                return unchanged(self.meta)
            self.leave(request)
        return judged

    def _judged(self, title: str, body: str, length: float, models: list[str], token: Token) -> Drawn:
        try:
            if length > self.engine.settings.max_chars:
                raise InputError(
                    f"This text has {int(length):,} characters; up to {self.engine.settings.max_chars:,} can be "
                    "analyzed at once, so shorten it or send it in parts."
                )
            text = self.engine.judge.check(title or "", body or "")
            with self.engine.scheduler.slot(Lane.VERDICT, token):
                analysis = self.engine.judge.analyse(text, models, token=token)
        except Cancelled:
            return self._nothing("")  # nobody looks at it any more
        except EmptyText as error:
            return self._nothing(render.problem(str(error) + self._way_from_address(title, body)))
        except InputError as error:
            return self._nothing(render.problem(str(error)))
        except Exception:
            logger.exception("judging failed")  # the traceback names no text
            return self._nothing(render.problem(SORRY))
        single = tuple(p.model for p in analysis.predictions if p.model not in MEMBERS)
        shown = Shown(analysis, single)
        titles = [(self.answer.titles[m], m) for m in single]
        return {
            **self._fresh(),
            **self.answer.drawn(shown),
            self.meta: render_verdicts.reading(analysis),
            self.article: gr.update(visible=True),
            self.then: gr.update(visible=True),
            self.beneath: gr.update(visible=bool(single)),
            self.why.text: render_highlights.plain(text),
            self.why.view: gr.update(choices=titles, value=single[0]) if single else gr.skip(),
            self.shown: shown,
        }

    def _way_from_address(self, title: str, body: str) -> str:
        """Return what to do with an address that was pasted where the text belongs."""
        found = self.engine.settings.url_fetch and LONE_ADDRESS.fullmatch(f"{title or ''} {body or ''}".strip())
        return " Put this one into “Address” and press Fetch." if found else ""

    def _fresh(self) -> Drawn:
        """Return what is empty until something fills it."""
        return {
            self.why.words: "",
            self.why.status: render.status(""),
            self.what_if.struck: render_edits.struck(()),
            self.what_if.message: render.caption(HINT),
            self.shared: "",
        }

    def _nothing(self, instead: str) -> Drawn:
        hidden = gr.update(visible=False)
        return {
            **self._fresh(),
            **self.answer.instead(instead),
            **dict.fromkeys((self.article, self.then, self.beneath), hidden),
            self.meta: "",
            self.why.text: "",
            self.shown: None,
        }

    def leave(self, request: gr.Request) -> None:
        """Stop whatever is done for the visitor; nothing of it is drawn any more."""
        for tokens in (self.judging, self.why.tokens, self.what_if.tokens):
            tokens.leave(request.session_hash or "")

    def begin(self, request: gr.Request) -> str:
        """Leave, and return silence, so that the same verdict once more is heard once more."""
        self.leave(request)
        return SILENT

    def clear(self, request: gr.Request) -> Drawn:
        """Return everything as on the first visit."""
        self.leave(request)
        return {**self._nothing(self.start_page()), self.title: "", self.body: ""}

    def wire(self, blocks: gr.Blocks) -> None:
        """Wire the tab: what is pasted is judged, then explained."""
        length = gr.Number(0, visible=False)
        boxes, why, fetches = [self.title, self.body], self.why, self.engine.settings.url_fetch

        def chain(on: Any) -> None:
            begun = on(self.begin, None, self.answer.heard, queue=False, **PRIVATE)
            if fetches:
                begun.then(lambda: "", None, self.fetched, js=script("held"), queue=False, **PRIVATE)
            judge = begun.then(self.judge, [*boxes, length, self.models], self.outputs, js=script("cut"), **JUDGING)
            judge.success(None, boxes, None, js=script("analysed"), **PRIVATE)
            judge.then(why.explain_first, [self.shown, why.view, why.method, why.unit], why.outputs, **EXPLAINING)

        chain(self.run.click)
        chain(self.models.input)
        chain(self.answer.result.click(self.example, None, boxes, queue=False, **PRIVATE).then)
        if fetches:
            gr.on(
                [self.fetch_address.click, self.address.submit], self.fetch, self.address, [*boxes, self.fetched],
                concurrency_limit=2, concurrency_id="fetch", **PRIVATE,
            )  # fmt: skip
        gr.on([self.title.change, self.body.change], None, boxes, None, js=script("changed"), **PRIVATE)
        for clear in (self.clear_form, self.clear_article):
            clear.click(self.clear, None, [*boxes, *self.outputs], js=script("mode", mode=""), queue=False, **PRIVATE)
            if fetches:
                clear.click(lambda: ("", ""), None, [self.address, self.fetched], queue=False, **PRIVATE)
        for button, mode, focus in (
            (self.edit, "edit", "#fn-body textarea"),
            (self.back, "", "#fn-edit"),
            (self.open_what_if, "what-if", "#fn-highlight [tabindex='0']"),
        ):
            button.click(None, None, None, js=script("mode", mode=mode, focus=focus), **PRIVATE)
        named, usual = gr.Textbox(visible=False), self.engine.pool.defaults
        chosen, remembered = [self.models, named], script("models", known=self.offered, usual=usual)
        blocks.load(None, None, chosen, js=remembered, **PRIVATE)  # at once
        blocks.load(self.offer, chosen, self.models, js=remembered, queue=False, **PRIVATE)
        self.models.input(None, self.models, None, js=script("chosen"), **PRIVATE)
        why.wire(self.shown)
        self.what_if.wire(self.shown, why.text, why.view)
        blocks.unload(self.leave)


def build(
    engine: Engine,
    store: ShareStore,
    demo: pd.DataFrame,
    blocks: gr.Blocks,
    owner: gr.BrowserState,
    preparer: Preparer,
) -> AnalyseTab:
    """Draw the tab inside the current one and wire it."""
    tab = Analyse(engine, store, demo, owner, preparer)
    tab.wire(blocks)
    return AnalyseTab(tab.title, tab.body, tab.run)
