"""What if: words or sentences clicked away, or the text edited, and models answer again; the minimal counterfactual."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from fakenews.engine import Engine
from fakenews.engine.errors import InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.tokens import VisitorTokens
from fakenews.engine.watch import watch
from fakenews.explain.base import Cancelled, Progress
from fakenews.explain.counterfactual import without
from fakenews.schema import Span
from fakenews.text import browser_lines
from fakenews.ui import render, render_edits
from fakenews.ui.scripts import on_load
from fakenews.ui.widgets import PRIVATE, plain, small

if TYPE_CHECKING:
    from fakenews.explain.counterfactual import Counterfactual

logger = logging.getLogger(__name__)

SORRY = "Something went wrong on our side; the text is as it was. Please try again."
HINT = "Click a word, or a sentence, to take it away; or edit the text beneath."
UNCHANGED = render.heard("")  # where the table on an edit will stand
MOST_KEPT = 100  # edits that can be undone


@dataclass(slots=True)
class Edits:
    """A text and what became of it; kept on the server, one per session."""

    texts: list[str] = field(default_factory=list)  # the first is what was analysed
    typed: bool = False  # whether the last was typed, so that further typing replaces it

    @property
    def now(self) -> str:
        """The text as it is."""
        return self.texts[-1]

    def add(self, text: str, typed: bool = False) -> None:
        """Take the next text; typing goes on in the last one."""
        if text == self.now:
            return
        if typed and self.typed and len(self.texts) > 1:
            self.texts[-1] = text
        else:
            self.texts.append(text)
            del self.texts[1:-MOST_KEPT]
        self.typed = typed

    def undo(self) -> None:
        """Back to the text before."""
        if len(self.texts) > 1:
            self.texts.pop()
        self.typed = False


class Panel(NamedTuple):
    """What the tab needs of the panel: its state and what an update fills."""

    edits: gr.State
    outputs: list[Any]


class WhatIfPanel:
    """Handlers of the panel; `build` draws and wires it."""

    def __init__(self, engine: Engine, tokens: VisitorTokens) -> None:
        self.engine = engine
        self.tokens = tokens
        self.models = engine.pool.defaults
        self.titles = {m: engine.pool.title(m) for m in engine.pool.defaults}

    def shown(self, edits: Edits | None, unit: render.Unit, message: str = "") -> tuple[Any, ...]:
        """Return line, table, clickable text and text box for the edits as they are."""
        if edits is None or not edits.texts:
            return message, UNCHANGED, "", ""
        text = edits.texts[0]
        drawn = render_edits.edited(text, edits.now, unit)
        if edits.now == text:
            return message or render.caption(HINT), UNCHANGED, drawn, text
        try:
            with self.engine.scheduler.slot(Lane.VERDICT):
                found = self.engine.judge.what_if(text, edits.now, self.models)
        except InputError as error:
            return render.problem(str(error)), UNCHANGED, drawn, gr.skip()
        except Exception:
            logger.exception("what-if failed")
            return render.problem(SORRY), UNCHANGED, drawn, gr.skip()
        return message, render_edits.changes(found, self.titles), drawn, edits.now

    def cut(self, edits: Edits | None, unit: render.Unit, key: str) -> tuple[Any, ...]:
        """Take away the characters a click was about."""
        start, _, end = key.partition("-")
        if edits is not None and start.isdigit() and end.isdigit() and int(start) < int(end) <= len(edits.now):
            edits.add(without(edits.now, [Span(int(start), int(end))]))
        return self.shown(edits, unit)

    def typed(self, edits: Edits | None, unit: render.Unit, text: str) -> tuple[Any, ...]:
        """Take the text as typed or pasted; the box itself stays as it is, and one that we filled says nothing new."""
        if edits is None or not edits.texts or browser_lines(text or "") == browser_lines(edits.now):
            return (gr.skip(),) * 4
        edits.add(text or "", typed=True)
        return (*self.shown(edits, unit)[:-1], gr.skip())

    def undo(self, edits: Edits | None, unit: render.Unit) -> tuple[Any, ...]:
        """Go back one edit."""
        if edits is not None:
            edits.undo()
        return self.shown(edits, unit)

    def reset(self, edits: Edits | None, unit: render.Unit) -> tuple[Any, ...]:
        """Go back to the text as it was analysed."""
        if edits is not None and edits.texts:
            edits.add(edits.texts[0])
        return self.shown(edits, unit)

    def flip(
        self, edits: Edits | None, unit: render.Unit, model: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        """Search the fewest sentences whose removal flips the prediction of the model, and take them away."""
        if edits is None or not edits.texts:
            return
        visitor = request.session_hash or ""
        token = self.tokens.start(visitor)
        text, title = edits.texts[0], self.titles[model]
        what = f"Minimal counterfactual of {title}"
        stay = (gr.skip(),) * 3

        def work(progress: Progress) -> Iterator[Counterfactual]:
            yield self.engine.explainers.minimal_counterfactual(text, model, progress)

        yield render.progress(what, 0.0, None), *stay
        try:
            for update in watch(self.engine.scheduler, work, token):
                if update.result is None:
                    yield render.progress(what, update.share, update.seconds_left), *stay
                    continue
                found = update.result
                if found.removed:
                    edits.add(without(text, [found.sentences[i] for i in found.removed]))
                yield self.shown(edits, unit, render_edits.flip(found, text, title))
        except Cancelled:
            last = self.tokens.is_latest(visitor, token)
            yield render.status("Cancelled; the text is as it was.") if last else gr.skip(), *stay
        except Exception:
            logger.exception("the search for a counterfactual failed")
            yield render.problem(SORRY), *stay
        finally:
            self.tokens.finish(visitor, token)


def build(engine: Engine, tokens: VisitorTokens, unit: gr.Radio, view: gr.Radio) -> Panel:
    """Draw the panel inside the current column and wire it.

    Parameters
    ----------
    unit, view : Radio
        Whether a click takes a word or a sentence, and which model the counterfactual is about.
    """
    panel = WhatIfPanel(engine, tokens)
    edits = gr.State(None)
    with gr.Accordion("What if…", open=False, elem_classes="fn-whatif", elem_id="fn-whatif"):
        message = gr.HTML(elem_id="fn-whatif-said")
        changed = gr.HTML(UNCHANGED, elem_id="fn-whatif-changes")
        with gr.Row(elem_classes="fn-actions"):
            smallest = small("Minimal counterfactual", "fn-flip")
            stop = plain("Cancel", "fn-flip-cancel")
            undo = plain("Undo", "fn-undo")
            reset = plain("Reset", "fn-reset")
        drawn = gr.HTML(elem_id="fn-whatif-text", js_on_load=on_load("open"))
        typed = gr.Textbox(label="Edit in place", lines=6, max_lines=12, elem_id="fn-whatif-edit")
    outputs = [message, changed, drawn, typed]

    def clicked(state: Edits | None, taken: render.Unit, event: gr.EventData) -> tuple[Any, ...]:
        return panel.cut(state, taken, str(event.key))

    quick: dict[str, Any] = {"concurrency_limit": 2, "concurrency_id": "judge", **PRIVATE}
    drawn.click(clicked, [edits, unit], outputs, **quick)
    typed.change(panel.typed, [edits, unit, typed], outputs, trigger_mode="always_last", **quick)
    undo.click(panel.undo, [edits, unit], outputs, **quick)
    reset.click(panel.reset, [edits, unit], outputs, **quick)
    unit.input(panel.shown, [edits, unit], outputs, **quick)
    smallest.click(panel.flip, [edits, unit, view], outputs, concurrency_limit=2, concurrency_id="explain", **PRIVATE)

    def cancel(request: gr.Request) -> None:
        tokens.cancel(request.session_hash or "")

    stop.click(cancel, None, None, queue=False, **PRIVATE)
    return Panel(edits, outputs)
