"""The Compare tab says what the committed evidence says."""

import re

import pytest

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.reporting.digits import metric_text
from fakenews.ui.compare import METRICS, Compare


@pytest.fixture(scope="module")
def tab() -> Compare:
    return Compare(Engine.open(Settings()))


@pytest.mark.parametrize("metric", METRICS)
def test_every_model_has_a_line_with_its_figure_on_unseen_articles(tab: Compare, metric: str) -> None:
    board, corpora = tab.tables(metric)
    lines = re.findall(r"<tr><th scope=\"row\".*?</tr>", board.partition("<tfoot>")[0])
    assert len(lines) == len(tab.evidences) == len(tab.engine.pool.models)
    for line, evidence in zip(lines, tab.evidences, strict=True):
        assert tab.titles[evidence.model] in line
        assert metric_text(evidence.corpora["isot/test"], metric).value in line
    assert "Horne 2017" in corpora or "horne" in corpora.lower()


def test_every_column_can_be_sorted_and_says_what_it_is(tab: Compare) -> None:
    board, _ = tab.tables("accuracy")
    heads = re.findall(r'<button type="button" data-column="(\d+)" data-first="(\w+)" title="([^"]*)"', board)
    assert [int(i) for i, _, _ in heads] == list(range(len(heads)))
    assert all(note for _, _, note in heads[1:])
    cells = re.findall(r'<td class="n[^"]*" data-value="([^"]*)">', board.partition("<tfoot>")[0])
    assert len(cells) == (len(heads) - 1) * len(tab.evidences)
    assert all(value == "" or float(value) >= 0 for value in cells)


def test_accuracy_that_the_larger_class_reaches_too_is_not_left_to_look_good(tab: Compare) -> None:
    board, corpora = tab.tables("accuracy")
    foot = board.partition("<tfoot>")[2]
    assert ">Always the larger class</th>" in foot and "54.6%" in foot
    coaid = next(line for line in corpora.split("<tr>") if "CoAID news" in line)
    assert "94.1%" in coaid and coaid.count("than the larger class") == len(tab.evidences)
    chance, aucs = tab.tables("roc_auc")
    assert ">Guessing</th>" in chance and "no better than chance" in aucs
    assert "<tfoot>" not in tab.tables("ece")[0]


def test_no_head_of_a_column_is_empty(tab: Compare) -> None:
    assert not re.findall(r"<th[^>]*></th>", "".join(tab.tables("accuracy")))


def test_figures_show_a_point_per_model_and_say_so(tab: Compare) -> None:
    transfer, words, cost, cost_words = tab.figures()
    for figure in (transfer, cost):
        assert sum(trace.mode == "markers" for trace in figure.data) == len(tab.evidences)
    assert "below it" in words and "ms" in cost_words


def test_training_curves_are_drawn_for_every_stage_that_was_logged(tab: Compare) -> None:
    assert any(name.startswith("TinyBERT") for name in tab.histories)
    for name in tab.histories:
        figure, words = tab.curves(name)
        assert figure.data and ("went from" in words or "was best" in words)
