"""What if: words or sentences struck out of the article, and the models answer again; the minimal counterfactual."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import VisitorTokens
from fakenews.engine.watch import watch
from fakenews.explain.base import Cancelled, Progress
from fakenews.schema import Span
from fakenews.ui import render, render_edits
from fakenews.ui.answer import Answer
from fakenews.ui.scripts import script
from fakenews.ui.shown import Shown
from fakenews.ui.widgets import EXPLAINING, JUDGING, PRIVATE, Drawn, plain, small, unchanged

if TYPE_CHECKING:
    from fakenews.explain.counterfactual import Counterfactual

logger = logging.getLogger(__name__)

SORRY = "Something went wrong on our side; the text is as it was. Please try again."
HINT = "Click a word to strike it out. A minimal counterfactual is the fewest sentences that flip the prediction."


class WhatIfPanel:
    """What stands over and under the article while its words can be struck out; drawn in the current column."""

    def __init__(self, engine: Engine, answer: Answer) -> None:
        self.engine = engine
        self.answer = answer
        self.tokens = VisitorTokens()
        with gr.Row(elem_classes="fn-tools fn-inwhatif"):
            self.search = small("Minimal counterfactual", "fn-flip")
            self.back = plain("Undo", "fn-undo")
            self.afresh = plain("Reset", "fn-reset")
            self.leave = plain("Done", "fn-whatif-done")
        with gr.Row(elem_classes="fn-progressrow fn-inwhatif"):
            self.message = gr.HTML(render.caption(HINT), elem_id="fn-whatif-said")
            self.stop = small("Cancel", "fn-flip-cancel", elem_classes="fn-cancel")
        self.struck = gr.HTML(render_edits.struck(()), elem_id="fn-struck")

    @property
    def outputs(self) -> list[Any]:
        """Return the components that the handlers fill."""
        return [self.message, self.struck, *self.answer.outputs]

    def wire(self, shown: gr.State, text: gr.HTML, view: gr.Radio) -> None:
        """Wire the panel to the article and to the model in view, which the counterfactual is about."""

        def picked(state: Shown | None, event: gr.EventData) -> Drawn:
            return self.cut(state, str(event.key))

        text.click(picked, shown, self.outputs, **JUDGING)
        self.back.click(self.undo, shown, self.outputs, **JUDGING)
        self.afresh.click(self.reset, shown, self.outputs, **JUDGING)
        self.leave.click(self.done, shown, self.outputs, js=script("mode", mode="", focus="#fn-whatif"), **JUDGING)
        self.search.click(self.flip, [shown, view], self.outputs, **EXPLAINING)
        self.stop.click(self.cancel, None, None, queue=False, **PRIVATE)

    def cut(self, shown: Shown | None, key: str) -> Drawn:
        """Strike the characters a click was about, or take that back."""
        start, _, end = key.partition("-")
        if shown is None or not (start.isdecimal() and end.isdecimal() and int(start) < int(end) <= len(shown.text)):
            return unchanged(self.message)
        shown.toggle(Span(int(start), int(end)))
        return self.judged(shown)

    def undo(self, shown: Shown | None) -> Drawn:
        """Go back one edit."""
        if shown is None:
            return unchanged(self.message)
        shown.undo()
        return self.judged(shown)

    def reset(self, shown: Shown | None) -> Drawn:
        """Go back to the text as it was analysed."""
        if shown is None:
            return unchanged(self.message)
        shown.strike(())
        return self.judged(shown)

    def done(self, shown: Shown | None, request: gr.Request) -> Drawn:
        """Go back to the text as it was analysed, for good."""
        self.cancel(request)
        if shown is None:
            return unchanged(self.message)
        shown.history = [()]
        return self.judged(shown)

    def judged(self, shown: Shown, message: str = "") -> Drawn:
        """Return the answers to what is left of the text; without any where it cannot be judged, and why."""
        shown.what_if, problem = None, ""
        if shown.struck:
            try:
                with self.engine.scheduler.slot(Lane.VERDICT):
                    shown.what_if = self.engine.judge.what_if(shown.text, shown.left, shown.asked)
            except InputError as error:
                problem = render.problem(str(error))
            except Exception:
                logger.exception("what-if failed")
                problem = render.problem(SORRY)
        line = problem or message or render.caption(HINT)
        return {self.message: line, self.struck: render_edits.struck(shown.struck), **self.answer.drawn(shown)}

    def flip(self, shown: Shown | None, model: str, request: gr.Request) -> Iterator[Drawn]:
        """Search the fewest sentences whose removal flips the prediction of the model, and strike them out."""
        if shown is None:
            return
        visitor = request.session_hash or ""
        token = self.tokens.start(visitor)
        title = self.engine.pool.title(model)
        what = f"Minimal counterfactual of {title}"

        def work(progress: Progress) -> Iterator[Counterfactual]:
            yield self.engine.explainers.minimal_counterfactual(shown.text, model, progress)

        yield {self.message: render.progress(what, 0.0, None)}
        try:
            for update in watch(self.engine.scheduler, work, token):
                if update.result is None:
                    yield {self.message: render.progress(what, update.share, update.seconds_left)}
                    continue
                found = update.result
                shown.strike(tuple(found.sentences[i] for i in found.removed))
                yield self.judged(shown, render_edits.flip(found, title))
        except Cancelled:
            if self.tokens.is_latest(visitor, token):
                yield {self.message: render.status("Cancelled; the text is as it was.")}
        except Exception:
            logger.exception("the search for a counterfactual failed")
            yield {self.message: render.problem(SORRY)}
        finally:
            self.tokens.finish(visitor, token)

    def cancel(self, request: gr.Request) -> None:
        """Stop the visitor's search."""
        self.tokens.cancel(request.session_hash or "")
