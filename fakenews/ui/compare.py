"""The Compare tab: every model under every protocol, what it costs, and how its training went."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from fakenews.data.registry import DATASETS
from fakenews.engine import Engine
from fakenews.evidence.results import ModelEvidence
from fakenews.reporting import plots
from fakenews.reporting.digits import METRIC_NAMES, Metric
from fakenews.reporting.scoreboard import NOTHING, Cell, Scoreboard, figure, foreign, guessed, points, scoreboard
from fakenews.ui import render

METRICS: tuple[Metric, ...] = ("accuracy", "macro_f1", "roc_auc", "ece")
GUESSING: dict[Metric, str] = {  # what a guess is called, of which other metrics say nothing
    "accuracy": "Always the larger class",
    "macro_f1": "Always the larger class",
    "roc_auc": "Guessing",
}

# A click on the head of a column sorts by it, best first, then the other way round.
SORT = """
element.addEventListener('click', e => {
  const button = e.target.closest('button[data-column]');
  if (!button) return;
  const head = button.closest('th'), body = head.closest('table').tBodies[0];
  const column = Number(button.dataset.column);
  const wanted = head.getAttribute('aria-sort') === button.dataset.first
    ? (button.dataset.first === 'ascending' ? 'descending' : 'ascending') : button.dataset.first;
  const sign = wanted === 'ascending' ? 1 : -1;
  const value = row => row.cells[column].dataset.value;
  const rows = [...body.rows].sort((a, b) => {
    if (value(a) === '' || value(b) === '') return (value(a) === '') - (value(b) === '');
    return column === 0 ? sign * value(a).localeCompare(value(b)) : sign * (Number(value(a)) - Number(value(b)));
  });
  head.closest('thead').querySelectorAll('th[aria-sort]').forEach(th => th.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', wanted);
  rows.forEach(row => body.append(row));
});
"""


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

    def tables(self, metric: Metric) -> tuple[str, str]:
        """Scoreboard, and the metric corpus by corpus."""
        return board(scoreboard(self.evidences, metric), self.titles), self._by_corpus(metric)

    def figures(self) -> tuple[Any, str, Any, str]:
        """In-domain against out-of-domain, and accuracy against milliseconds, each with its sentence."""
        found = points(self.evidences)
        transfer = [
            plots.Point(self.titles[p.model], p.in_domain_auc, p.out_of_domain_auc)
            for p in found
            if p.in_domain_auc is not None and p.out_of_domain_auc is not None
        ]
        cost = [
            plots.Point(self.titles[p.model], p.ms, p.in_domain_accuracy)
            for p in found
            if p.ms is not None and p.in_domain_accuracy is not None
        ]
        return (
            plots.transfer_figure(transfer),
            plots.describe_transfer(transfer),
            plots.cost_figure(cost),
            plots.describe_cost(cost),
        )

    def curves(self, name: str) -> tuple[Any, str]:
        """Training curves of a model, or of one stage of it."""
        rows = self.histories[name]
        return plots.training_curves_figure(rows), render.caption(plots.describe_training_curves(rows))

    def _by_corpus(self, metric: Metric) -> str:
        results = [(e, foreign(e)) for e in self.evidences]
        corpora = [c for c in DATASETS if any(c in found for _, found in results)]
        guess = [GUESSING[metric]] if metric in GUESSING else []
        columns = ["n", *guess, *(self.titles[e.model] for e in self.evidences)]
        heads = "".join(f'<th scope="col" class="n">{escape(column)}</th>' for column in columns)
        rows = []
        for corpus in corpora:
            any_of = next(found[corpus] for _, found in results if corpus in found)
            cells = [guessed(any_of, metric)] if guess else []
            cells += [figure(f[corpus], metric) if corpus in f else Cell(None, NOTHING) for _, f in results]
            rows.append(
                f'<tr><td>{escape(DATASETS[corpus].title)}</td><td class="n">{any_of.n:,}</td>'
                f"{''.join(_board_cell(cell, 'n') for cell in cells)}</tr>"
            )
        return render.wrapped(
            f"{METRIC_NAMES[metric]} corpus by corpus",
            f'<table class="fn-table"><thead><tr><th scope="col">Corpus</th>{heads}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table>",
        )


def build(engine: Engine) -> None:
    """Draw the tab inside the current one and wire it."""
    tab = Compare(engine)
    if not tab.evidences:
        gr.HTML(render.problem("No model here has been measured: “fakenews train” measures what it trains."))
        return
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
    board_html, corpora_html = tab.tables("accuracy")
    gr.HTML(f"<h2>Which model, measured how</h2>{_reading(tab.evidences, tab.titles)}")
    metric = gr.Radio(
        [(METRIC_NAMES[m].replace("Calibration error (ECE)", "ECE"), m) for m in METRICS],
        value="accuracy", show_label=False, container=False, elem_classes="fn-seg", elem_id="fn-metric", label="Metric",
    )  # fmt: skip
    table = gr.HTML(board_html, elem_id="fn-board", js_on_load=SORT)
    transfer, transfer_words, cost, cost_words = tab.figures()
    with gr.Row(elem_classes="fn-columns fn-figures"):
        with gr.Column():
            gr.HTML("<h2>In-domain and out-of-domain</h2>")
            gr.Plot(transfer, show_label=False, container=False, elem_id="fn-transfer")
            gr.HTML(render.caption(transfer_words))
        with gr.Column():
            gr.HTML("<h2>What a verdict costs</h2>")
            gr.Plot(cost, show_label=False, container=False, elem_id="fn-cost")
            gr.HTML(render.caption(cost_words))
    gr.HTML("<h2>Corpus by corpus</h2>")
    corpora = gr.HTML(corpora_html, elem_id="fn-corpora")
    metric.input(tab.tables, metric, [table, corpora], **private)
    if tab.histories:
        names = list(tab.histories)
        gr.HTML("<h2>How the training went</h2>")
        with gr.Row(elem_classes="fn-columns fn-figures"):
            with gr.Column(scale=1):
                which = gr.Dropdown(names, value=names[-1], label="Model and stage", elem_id="fn-stage")
            with gr.Column(scale=2):
                figure, words = tab.curves(names[-1])
                drawn = gr.Plot(figure, show_label=False, container=False, elem_id="fn-curves")
                told = gr.HTML(words)
        which.input(tab.curves, which, [drawn, told], **private)


def board(found: Scoreboard, titles: dict[str, str]) -> str:
    """The scoreboard as a table that `SORT` can sort."""
    groups: list[tuple[str, int]] = []
    for column in found.columns:
        if groups and groups[-1][0] == column.group and column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    over = "".join(
        f'<th class="n" scope="colgroup" colspan="{n}">{escape(group)}</th>' if group else f'<td colspan="{n}"></td>'
        for group, n in groups
    )
    kinds = [kind for _, n in groups for kind in ("n fn-first", *["n"] * (n - 1))]
    head = _head(0, "Model", "ascending", "", "")
    for i, (column, kind) in enumerate(zip(found.columns, kinds, strict=True), start=1):
        first = "descending" if column.better == "high" else "ascending"
        head += _head(i, column.title, first, column.note, kind)
    body = "".join(
        f'<tr><th scope="row" data-value="{escape(titles[model])}">{escape(titles[model])}</th>'
        + "".join(map(_board_cell, cells, kinds))
        + "</tr>"
        for model, cells in zip(found.models, found.rows, strict=True)
    )
    foot = "".join(map(_board_cell, found.guessing, kinds))
    return render.wrapped(
        f"Scoreboard, {METRIC_NAMES[found.metric]}",
        f'<table class="fn-table fn-scores"><thead><tr><td></td>{over}</tr><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody>"
        + (f'<tfoot><tr><th scope="row">{GUESSING[found.metric]}</th>{foot}</tr></tfoot>' if foot else "")
        + "</table>",
    ) + (
        '<p class="fn-meta">The best of each column in bold; 95 % intervals, or the range over corpora, in small type; '
        "– was not measured. A column's head sorts by it.</p>"
    )


def _head(i: int, title: str, first: str, note: str, kind: str) -> str:
    return (
        f'<th scope="col" class="{kind}"><button type="button" data-column="{i}" data-first="{first}" '
        f'title="{escape(note)}">{escape(title)}</button></th>'
    )


def _board_cell(cell: Cell, kind: str) -> str:
    value = "" if cell.value is None else f"{cell.value:.6g}"
    text = f"<b>{escape(cell.text)}</b>" if cell.best else escape(cell.text)
    detail = f" <small>{escape(cell.detail)}</small>" if cell.detail else ""
    note = f' <small class="fn-than">{escape(cell.note)}</small>' if cell.note else ""
    return f'<td class="{kind}" data-value="{value}">{text}{detail}{note}</td>'


def _reading(evidences: Sequence[ModelEvidence], titles: dict[str, str]) -> str:
    """One sentence on the distance between in-domain and out-of-domain."""
    known = [p for p in points(evidences) if p.in_domain_auc is not None and p.out_of_domain_auc is not None]
    if not known:
        return ""
    best = max(known, key=lambda p: p.out_of_domain_auc or 0.0)
    corpora = max(len(foreign(e)) for e in evidences if e.model == best.model)
    return (
        '<p class="fn-read">In its own corpus every model looks good. The columns to the right say what happens '
        f"out-of-domain, on publishers never seen in training. {escape(titles[best.model])} carries over best: its "
        f"area under the ROC curve falls from {best.in_domain_auc:.3f} to {best.out_of_domain_auc:.2f} in the mean of "
        f"{corpora} other corpora, where guessing has 0.5.</p>"
    )
