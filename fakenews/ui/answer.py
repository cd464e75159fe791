"""The answer beside the article: one number, every model on one axis, checks; seen and heard."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fakenews.engine import Engine
from fakenews.ui import render, render_verdicts
from fakenews.ui.scripts import on_load
from fakenews.ui.shown import Shown
from fakenews.ui.widgets import Drawn

SILENT = render.heard("")


class Answer:
    """What says the verdict, drawn in the current column."""

    def __init__(self, engine: Engine, start: str) -> None:
        self._engine = engine
        self.result = gr.HTML(start, elem_id="fn-result", js_on_load=on_load("open"))
        self.heard = gr.HTML(SILENT, elem_id="fn-heard", elem_classes="fn-hidden")

    @property
    def outputs(self) -> list[Any]:
        """Return the components that `drawn` and `instead` fill."""
        return [self.result, self.heard]

    @property
    def titles(self) -> dict[str, str]:
        """Name of every model for people, those included that came after the page was built."""
        return {m: self._engine.pool.title(m) for m in self._engine.pool.models}

    def drawn(self, shown: Shown) -> Drawn:
        """Return the answers to the text, or to what is left of it, as they are seen and heard."""
        records = {p.model: self._engine.evidence.accuracy_sentence(p.model) for p in shown.analysis.predictions}
        seen = render_verdicts.verdicts(shown.analysis, self.titles, records, shown.what_if)
        if shown.what_if is not None:
            return {self.result: seen, self.heard: render_verdicts.changes_heard(shown.what_if, self.titles)}
        return {self.result: seen, self.heard: render_verdicts.verdicts_heard(shown.analysis, self.titles)}

    def instead(self, sentence: str) -> Drawn:
        """Return what stands in place of an answer."""
        return {self.result: sentence, self.heard: SILENT}
