"""The Compare tab: every model in-domain and out-of-domain, what it costs, and how its training went."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import gradio as gr
from markupsafe import Markup

from fakenews.data.registry import in_order, title_of
from fakenews.engine import Engine
from fakenews.reporting import plots
from fakenews.reporting.digits import METRIC_NAMES, METRIC_NOTES, Metric
from fakenews.reporting.scoreboard import NOTHING, Cell, Scoreboard, figure, foreign, guessed, scoreboard
from fakenews.ui import render
from fakenews.ui.scripts import on_load
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, filling, heading, segments

METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
GUESSING: dict[Metric, str] = {  # what a guess is called, of which other metrics say nothing
    "accuracy": "Always the larger class",
    "macro_f1": "Always the larger class",
    "roc_auc": "Guessing",
}
STEP = 0.1  # of the axis


class Line(NamedTuple):
    """One model in the picture: its cells, where they lie on the axis in per cent, and its dot in pixels."""

    title: str
    in_domain: Cell
    out_of_domain: Cell
    ms: Cell
    left: tuple[float, float] = (0.0, 0.0)
    dot: float = 0.0


class Compare:
    """Handlers of the tab; `build` draws and wires it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        found = [(model, engine.evidence.evaluation(model)) for model in engine.pool.models]
        self.evidences = [evidence for _, evidence in found if evidence is not None]
        self.titles = {model: engine.pool.title(model) for model in engine.pool.models}
        self.histories = {
            f"{self.titles[e.model]}, {stage}" if len(stages) > 1 else self.titles[e.model]: rows
            for e in self.evidences
            if (stages := engine.evidence.training_history(e.model))
            for stage, rows in stages.items()
        }

    def shown(self, metric: Metric) -> dict[str, Markup]:
        """Draw the picture, the scoreboard, and the metric corpus by corpus."""
        scores = scoreboard(self.evidences, metric)
        board = draw("compare", "board", scores=scores, titles=self.titles, **_texts(metric))
        return {"picture": self._picture(scores), "board": board, "corpora": self._by_corpus(metric)}

    def _picture(self, scores: Scoreboard) -> Markup:
        """Draw in-domain against out-of-domain for every model that has both, best out-of-domain first."""
        leads = {column.group: i for i, column in enumerate(scores.columns) if column.leads}
        at = [leads[group] for group in ("In-domain", "Out-of-domain", "Cost")]
        lines = [
            Line(self.titles[model], cells[at[0]], cells[at[1]], cells[at[2]])
            for model, cells in zip(scores.models, scores.rows, strict=True)
            if None not in (cells[at[0]].value, cells[at[1]].value)
        ]
        if not lines:
            return render.caption("No model was measured on other corpora yet.")
        guess = scores.guessing[at[1]] if scores.guessing else Cell(None, "")
        cells = [guess, *(line.in_domain for line in lines), *(line.out_of_domain for line in lines)]
        ends = [cell.value for cell in cells if cell.value is not None]
        low, high = STEP * math.floor(min(ends) / STEP), STEP * math.ceil(max(ends) / STEP)

        def left(value: float | None) -> float:
            return round(100 * ((value or 0.0) - low) / (high - low), 1)

        lines = [
            line._replace(left=(left(line.in_domain.value), left(line.out_of_domain.value)), dot=_dot(line.ms.value))
            for line in lines
        ]
        is_high = scores.columns[at[1]].better == "high"
        lines.sort(key=lambda line: line.out_of_domain.value or 0.0, reverse=is_high)
        ticks = [low + STEP * i for i in range(round((high - low) / STEP) + 1)]
        return draw(
            "compare", "picture", lines=lines, guess=guess, guess_left=left(guess.value),
            ticks=[(left(t), f"{100 * t:.0f}%" if scores.metric == "accuracy" else f"{t:.1f}") for t in ticks],
            ranges=[_range([p.in_domain for p in lines]), _range([p.out_of_domain for p in lines])], is_high=is_high,
            n_corpora=max(len(foreign(e)) for e in self.evidences), **_texts(scores.metric),
        )  # fmt: skip

    def curves(self, name: str) -> dict[str, Any]:
        """Return the training curves of a model, or of one stage of it, with their sentence and table."""
        rows = self.histories[name]
        headers, numbers = plots.training_table(rows)
        sentence = plots.describe_training_curves(rows)
        below = draw("parts", "numbers", sentence=sentence, headers=[(h, True) for h in headers], rows=numbers)
        return {"curves": plots.training_curves_figure(rows), "numbers": below}

    def _by_corpus(self, metric: Metric) -> Markup:
        results = [foreign(e) for e in self.evidences]
        guess = [GUESSING[metric]] if metric in GUESSING else []
        rows = []
        for corpus in in_order(set().union(*results)):
            any_of = next(result[corpus] for result in results if corpus in result)
            cells = [guessed(any_of, metric)] if guess else []
            cells += [figure(r[corpus], metric) if corpus in r else Cell(None, NOTHING) for r in results]
            rows.append((title_of(corpus), any_of.n, cells))
        columns = [*guess, *(self.titles[e.model] for e in self.evidences)]
        return draw("compare", "by_corpus", columns=columns, rows=rows, **_texts(metric))


def build(engine: Engine) -> None:
    """Draw the tab inside the current one and wire it."""
    tab = Compare(engine)
    if not tab.evidences:
        gr.HTML(render.problem("No model here has been measured: “fakenews train” measures what it trains."))
        return
    private: dict[str, Any] = {**PRIVATE, "queue": False}
    html = tab.shown("accuracy")
    metrics = [(METRIC_NAMES[m].replace("Calibration error (ECE)", "ECE"), m) for m in METRICS]
    with gr.Row(elem_classes="fn-whybar"):
        heading("In-domain and out-of-domain")
        metric = segments("Metric", "fn-metric", metrics, "accuracy")
    parts: dict[str, Any] = {"picture": gr.HTML(html["picture"], elem_id="fn-picture")}
    heading("All figures")
    parts["board"] = gr.HTML(html["board"], elem_id="fn-board", js_on_load=on_load("board"))
    heading("Corpus by corpus")
    parts["corpora"] = gr.HTML(html["corpora"], elem_id="fn-corpora")
    metric.input(filling(parts, tab.shown), metric, [*parts.values()], **private)
    if tab.histories:
        names = list(tab.histories)
        first = tab.curves(names[-1])
        heading("Training curves")
        with gr.Row(elem_classes="fn-columns fn-figures"):
            with gr.Column(scale=1):
                which = gr.Dropdown(names, value=names[-1], label="Model and stage", elem_id="fn-stage")
            with gr.Column(scale=3):
                plot = gr.Plot(first["curves"], show_label=False, container=False, elem_id="fn-curves")
                drawn = {"curves": plot, "numbers": gr.HTML(first["numbers"])}
        which.input(filling(drawn, tab.curves), which, [*drawn.values()], **private)


def _texts(metric: Metric) -> Mapping[str, str]:
    return {"metric": METRIC_NAMES[metric], "note": METRIC_NOTES[metric], "guessing": GUESSING.get(metric, "")}


def _dot(ms: float | None) -> float:
    """Return the diameter in pixels of a dot for so many milliseconds."""
    return 8.0 + 5.0 * math.log10(max(ms or 1.0, 1.0))


def _range(cells: list[Cell]) -> str:
    """Return the least and the most of a column in print."""
    low, *_, high = [c.text for c in sorted([*cells, *cells], key=lambda c: c.value or 0.0)]
    return low if low == high else f"{low.rstrip('%')}–{high}"
