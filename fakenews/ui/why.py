"""Why: the words that moved the models, in the article and in a list; methods that refine and can be cancelled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr
from markupsafe import Markup

from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.engine.tokens import Token, VisitorTokens
from fakenews.engine.values import ExplanationRequest
from fakenews.engine.watch import watch
from fakenews.explain import registry as explainers
from fakenews.explain.base import Cancelled, Progress
from fakenews.formatting import FormattingTest
from fakenews.schema import Explanation
from fakenews.ui import render, render_highlights, render_words
from fakenews.ui.answer import Answer
from fakenews.ui.scripts import on_load, script
from fakenews.ui.shown import Shown
from fakenews.ui.widgets import EXPLAINING, PRIVATE, Drawn, heading, plain, segments, small, unchanged

logger = logging.getLogger(__name__)

QUICK, BOTH = "quick", "both"
METHODS = (("Quick", QUICK), ("LIME", "lime"), ("SHAP", "shap"), ("Both", BOTH))
UNITS = (("Word", "word"), ("Sentence", "sentence"))
SORRY = "Something went wrong on our side; the answer still stands. Please try again."
MOST_COLUMNS = 3  # models whose words are listed side by side


class Why:
    """The explanation beside an article; `draw` puts its controls into the current column."""

    def __init__(self, engine: Engine, answer: Answer) -> None:
        self.engine = engine
        self.answer = answer
        self.tokens = VisitorTokens()

    @property
    def titles(self) -> dict[str, str]:
        """Name of every model for people."""
        return self.answer.titles

    def draw_article(self) -> None:
        """Draw the place of the article into the current column."""
        self.text = gr.HTML(elem_id="fn-highlight", js_on_load=on_load("words"))

    def draw(self, models: Sequence[str]) -> None:
        """Draw the controls, and the words beneath them."""
        with gr.Row(elem_classes="fn-whybar"):
            heading("Why")
            choices = [(self.titles[m], m) for m in models]
            self.view = segments("Model shown", "fn-view", choices, models[0] if models else None)
            self.unit = segments("Unit", "fn-unit", UNITS, "word")
        with gr.Row(elem_classes="fn-progressrow"):
            self.method = segments("Method", "fn-method", METHODS, QUICK)
            self.status = gr.HTML(render.status(""), elem_id="fn-status")
            self.stop = small("Cancel", "fn-cancel", elem_classes="fn-cancel")
        self.words = gr.HTML(elem_id="fn-top")
        self.check_library = plain("Check with the library", "fn-check")

    @property
    def outputs(self) -> list[Any]:
        """Return the components that the handlers fill."""
        return [self.status, self.text, self.words, self.method, *self.answer.outputs]

    def wire(self, shown: gr.State) -> None:
        """Wire the controls; what follows a verdict is the tab's to wire."""
        inputs = [shown, self.view, self.method, self.unit]
        for control in (self.view, self.method):
            control.input(self.leave, None, None, queue=False, **PRIVATE).then(
                self.explain, inputs, self.outputs, **EXPLAINING
            )
        self.unit.input(self.redraw, [shown, self.view, self.unit], self.outputs, queue=False, **PRIVATE)
        self.check_library.click(self.check, [shown, self.view], self.outputs, **EXPLAINING)
        self.stop.click(self.cancel, None, None, js=script("cancelled"), queue=False, **PRIVATE)

    def explain_first(
        self, shown: Shown | None, view: str, method: str, unit: render.Unit, request: gr.Request
    ) -> Iterator[Drawn]:
        """Yield what follows a verdict: `explain`, unless it was dropped and the one before stands explained."""
        if shown is None or not shown.begun:
            yield from self.explain(shown, view, method, unit, request)
        else:
            yield unchanged(self.status)

    def explain(
        self, shown: Shown | None, view: str, method: str, unit: render.Unit, request: gr.Request
    ) -> Iterator[Drawn]:
        """Yield highlights: the quick ones at once, the formatting test, the chosen method as it refines, the grade.

        Once another run of the visitor has begun, nothing more is drawn; and because Gradio sends the last of what was
        yielded once more when all is done, the last then changes nothing.
        """
        if shown is None or not shown.models:
            yield {self.status: render.status("")}
            return
        shown.begun = True
        shown.unit = shown.unit or unit  # one picked since this was asked for is on the page
        visitor = request.session_hash or ""
        token = self.tokens.start(visitor)
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
            last = self.tokens.finish(visitor, token)
        if not last:
            yield unchanged(self.status)
        elif message is not None:
            yield {self.status: render.status(message), self.method: self._method(shown, view)}

    def _explained(self, shown: Shown, view: str, method: str, token: Token) -> Iterator[Drawn]:
        """Yield what `explain` draws; explanations by a slow method stay until the first better one is there."""
        for model in sorted(shown.models, key=lambda m: m != view):
            if method == QUICK or model not in shown.explanations:
                shown.put(model, self._quick(shown.text, model))
            if model == view:
                yield self._drawn(shown, view, render.status("Quick highlights; more follows"))
        yield self._drawn(shown, view)
        if shown.analysis.formatting is None:
            for test in self._watched(token, lambda _: self.engine.judge.formatting_test(shown.text, shown.asked)):
                shown.analysis = shown.analysis.tested(test)
                yield self.answer.drawn(shown)
        if method == BOTH:
            yield from self._both(shown, view, token)
        elif method != QUICK:
            for model in sorted(shown.models, key=lambda m: m != view):
                yield from self._refine(shown, model, method, token, partial(shown.put, model), view)
        yield from self._grade(shown, view, token)

    def _both(self, shown: Shown, view: str, token: Token) -> Iterator[Drawn]:
        """Yield what SHAP and LIME say of the model in view."""
        yield from self._refine(shown, view, "shap", token, partial(shown.put, view), view)

        def beside(explanation: Explanation) -> None:
            shown.beside = explanation

        yield from self._refine(shown, view, "lime", token, beside, view)

    def _refine(
        self, shown: Shown, model: str, method: str, token: Token, put: Callable[[Explanation], None], view: str
    ) -> Iterator[Drawn]:
        if method not in self.engine.explainers.methods(model, with_libraries=True):
            return
        what = f"{explainers.get(method).title} for {self.titles[model]}"
        yield {self.status: render.progress(what, 0.0, None)}
        refine = partial(self.engine.explainers.refine, ExplanationRequest(shown.text, model, method))
        stability = None
        for update in watch(self.engine.scheduler, refine, token):
            if update.result is not None:
                put(update.result.explanation)
                stability = update.result.explanation.stability
            line = render.progress(what, update.share, update.seconds_left, stability)
            yield {self.status: line} if update.result is None else self._drawn(shown, view, line)

    def _grade(self, shown: Shown, view: str, token: Token) -> Iterator[Drawn]:
        for graded in self._watched(
            token, lambda progress: self.engine.explainers.grade(shown.explanations[view], view, progress)
        ):
            shown.explanations[view] = graded
            shown.graded.add(view)
        yield self._drawn(shown, view)

    def _watched(self, token: Token, work: Callable[[Progress], Any]) -> Iterator[Any]:
        """Yield the one result of work that runs in its lane."""

        def once(progress: Progress) -> Iterator[Explanation | FormattingTest]:
            yield work(progress)

        for update in watch(self.engine.scheduler, once, token):
            if update.result is not None:
                yield update.result

    def check(self, shown: Shown | None, view: str, request: gr.Request) -> Iterator[Drawn]:
        """Yield progress, and at last how far the stock package of the method shown agrees with ours."""
        explanation = shown.explanations.get(view) if shown else None
        library = explainers.library_of(explanation.explainer) if explanation else None
        if shown is None or library is None:
            yield {
                self.status: render.status("Pick LIME or SHAP first; their stock packages can be run for comparison.")
            }
            return

        asked: list[Explanation] = []

        def put(found: Explanation) -> None:
            asked.append(found)

        visitor = request.session_hash or ""
        token = self.tokens.start(visitor)
        try:
            yield from self._refine(shown, view, library, token, put, view)
            grade = self.engine.explainers.grade
            for graded in self._watched(token, lambda progress: grade(asked[-1], view, progress)):
                shown.checked = graded
            yield self._drawn(shown, view)
        except Cancelled:
            yield self._drawn(shown, view)
        except InputError as error:
            yield {self.status: render.status(str(error))}
        except Exception:
            logger.exception("checking with the library failed")
            yield {self.status: render.status(SORRY)}
        finally:
            self.tokens.finish(visitor, token)

    def redraw(self, shown: Shown | None, view: str, unit: render.Unit) -> Drawn:
        """Return the text as it is highlighted, by word or by sentence."""
        if shown is not None:
            shown.unit = unit
        if shown is None or view not in shown.explanations:
            return unchanged(self.status)
        return {self.text: self._highlighted(shown, view)}

    def cancel(self, request: gr.Request) -> None:
        """Stop the visitor's explanation, which stays as far as it has come."""
        self.tokens.cancel(request.session_hash or "")

    def leave(self, request: gr.Request) -> None:
        """Stop the visitor's explanation for another one; nothing more of it is drawn."""
        self.tokens.leave(request.session_hash or "")

    def _quick(self, text: str, model: str) -> Explanation:
        method = self.engine.explainers.methods(model)[0]
        return self.engine.explainers.explain(ExplanationRequest(text, model, method))

    def _method(self, shown: Shown, view: str) -> Any:
        """Return the method whose highlights are shown."""
        if view not in shown.explanations:
            return gr.skip()
        explainer = shown.explanations[view].explainer
        if shown.beside is not None:
            return BOTH
        return explainer if explainer in dict(METHODS).values() else QUICK

    def _highlighted(self, shown: Shown, view: str) -> Markup:
        return render_highlights.highlighted(shown.explanations[view], shown.unit or "word")

    def _drawn(self, shown: Shown, view: str, status: str | None = None) -> Drawn:
        """Return the article and the words, under a line on work, or on how the explanation came about."""
        explanation = shown.explanations[view]
        method = explainers.get(explanation.explainer).title
        graded = explanation.grade is not None or view in shown.graded
        done = render_highlights.legend(explanation, self.titles[view], method, graded)
        return {
            self.status: done if status is None else status,
            self.text: self._highlighted(shown, view),
            self.words: self._words(shown, view),
        }

    def _words(self, shown: Shown, view: str) -> Markup:
        """Return the top words of the models, or of both methods, and how far these agree."""
        explanation = shown.explanations[view]
        if shown.beside is not None:
            titled = [(explainers.get(e.explainer).title, e) for e in (explanation, shown.beside)]
        else:
            explained = [view, *(m for m in shown.models if m in shown.explanations and m != view)][:MOST_COLUMNS]
            titled = [(self.titles[m], shown.explanations[m]) for m in sorted(explained, key=shown.models.index)]
        words = render_words.top_words(titled)
        if explanation.attributions:
            for (name, first), (other, second) in zip(titled, titled[1:], strict=False):
                words += render_words.alike(first, second, f"{name} and {other}")
            quick = self._quick(shown.text, view)
            if shown.beside is None and explanation.explainer != quick.explainer:
                method, fast = (explainers.get(e.explainer).title for e in (explanation, quick))
                words += render_words.alike(explanation, quick, f"{method} and {fast.lower()}")
            if shown.checked is not None:
                words += render_words.checked(explanation, shown.checked)
        return words
