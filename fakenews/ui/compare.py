"""The Compare tab: every model under every protocol, what it costs, and how its training went."""

from __future__ import annotations

from typing import Any

import gradio as gr
from markupsafe import Markup

from fakenews.data.registry import in_order, title_of
from fakenews.engine import Engine
from fakenews.reporting import plots
from fakenews.reporting.digits import METRIC_NAMES, Metric
from fakenews.reporting.scoreboard import NOTHING, Cell, Scoreboard, figure, foreign, guessed, points, scoreboard
from fakenews.ui import render
from fakenews.ui.scripts import on_load
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, heading, segments

METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
GUESSING: dict[Metric, str] = {  # what a guess is called, of which other metrics say nothing
    "accuracy": "Always the larger class",
    "macro_f1": "Always the larger class",
    "roc_auc": "Guessing",
}


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

    def tables(self, metric: Metric) -> tuple[Markup, Markup]:
        """Draw the scoreboard, and the metric corpus by corpus."""
        return board(scoreboard(self.evidences, metric), self.titles), self._by_corpus(metric)

    def figures(self) -> tuple[Any, str, Any, str]:
        """Return in-domain against out-of-domain, and accuracy against milliseconds, each with its sentence."""
        models = points(self.evidences)
        transfer = [
            plots.Point(self.titles[p.model], p.in_domain_auc, p.out_of_domain_auc)
            for p in models
            if p.in_domain_auc is not None and p.out_of_domain_auc is not None
        ]
        cost = [
            plots.Point(self.titles[p.model], p.ms, p.in_domain_accuracy)
            for p in models
            if p.ms is not None and p.in_domain_accuracy is not None
        ]
        return (
            plots.transfer_figure(transfer),
            plots.describe_transfer(transfer),
            plots.cost_figure(cost),
            plots.describe_cost(cost),
        )

    def curves(self, name: str) -> tuple[Any, Markup]:
        """Return the training curves of a model, or of one stage of it."""
        rows = self.histories[name]
        return plots.training_curves_figure(rows), render.caption(plots.describe_training_curves(rows))

    def _by_corpus(self, metric: Metric) -> Markup:
        results = [foreign(e) for e in self.evidences]
        guess = [GUESSING[metric]] if metric in GUESSING else []
        rows = []
        for corpus in in_order(set().union(*results)):
            any_of = next(result[corpus] for result in results if corpus in result)
            cells = [guessed(any_of, metric)] if guess else []
            cells += [figure(r[corpus], metric) if corpus in r else Cell(None, NOTHING) for r in results]
            rows.append((title_of(corpus), any_of.n, cells))
        columns = ["n", *guess, *(self.titles[e.model] for e in self.evidences)]
        return draw(
            "compare", "by_corpus", label=f"{METRIC_NAMES[metric]} corpus by corpus", columns=columns, rows=rows
        )

    def reading(self) -> Markup:
        """Draw one sentence on the distance between in-domain and out-of-domain."""
        known = [p for p in points(self.evidences) if p.in_domain_auc is not None and p.out_of_domain_auc is not None]
        best = max(known, key=lambda p: p.out_of_domain_auc or 0.0, default=None)
        n_corpora = max((len(foreign(e)) for e in self.evidences if best and e.model == best.model), default=0)
        title = self.titles[best.model] if best else ""
        return draw("compare", "reading", title=title, place=best, n_corpora=n_corpora)


def build(engine: Engine) -> None:
    """Draw the tab inside the current one and wire it."""
    tab = Compare(engine)
    if not tab.evidences:
        gr.HTML(render.problem("No model here has been measured: “fakenews train” measures what it trains."))
        return
    private: dict[str, Any] = {**PRIVATE, "queue": False}
    board_html, corpora_html = tab.tables("accuracy")
    gr.HTML(tab.reading())
    metrics = [(METRIC_NAMES[m].replace("Calibration error (ECE)", "ECE"), m) for m in METRICS]
    metric = segments("Metric", "fn-metric", metrics, "accuracy")
    table = gr.HTML(board_html, elem_id="fn-board", js_on_load=on_load("sort"))
    transfer, transfer_words, cost, cost_words = tab.figures()
    with gr.Row(elem_classes="fn-columns fn-figures"):
        with gr.Column():
            heading("In-domain and out-of-domain")
            gr.Plot(transfer, show_label=False, container=False, elem_id="fn-transfer")
            gr.HTML(render.caption(transfer_words))
        with gr.Column():
            heading("What a verdict costs")
            gr.Plot(cost, show_label=False, container=False, elem_id="fn-cost")
            gr.HTML(render.caption(cost_words))
    heading("Corpus by corpus")
    corpora = gr.HTML(corpora_html, elem_id="fn-corpora")
    metric.input(tab.tables, metric, [table, corpora], **private)
    if tab.histories:
        names = list(tab.histories)
        heading("How the training went")
        with gr.Row(elem_classes="fn-columns fn-figures"):
            with gr.Column(scale=1):
                which = gr.Dropdown(names, value=names[-1], label="Model and stage", elem_id="fn-stage")
            with gr.Column(scale=2):
                figure, words = tab.curves(names[-1])
                drawn = gr.Plot(figure, show_label=False, container=False, elem_id="fn-curves")
                caption = gr.HTML(words)
        which.input(tab.curves, which, [drawn, caption], **private)


def board(scores: Scoreboard, titles: dict[str, str]) -> Markup:
    """Draw the scoreboard as a table that the script `sort` can sort."""
    groups: list[tuple[str, int]] = []
    for column in scores.columns:
        if groups and groups[-1][0] == column.group and column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    return draw(
        "compare",
        "board",
        label=f"Scoreboard, {METRIC_NAMES[scores.metric]}",
        groups=groups,
        columns=scores.columns,
        kinds=[kind for _, n in groups for kind in ("n fn-first", *["n"] * (n - 1))],
        rows=[(titles[model], cells) for model, cells in zip(scores.models, scores.rows, strict=True)],
        guess=GUESSING.get(scores.metric, ""),
        guessing=scores.guessing,
    )
