"""The Compare tab says what the committed evidence says."""

import re

import pytest

from fakenews.config import Settings
from fakenews.engine import Engine
from fakenews.reporting.digits import metric_text
from fakenews.reporting.scoreboard import scoreboard
from fakenews.ui.compare import METRICS, Compare


@pytest.fixture(scope="module")
def tab() -> Compare:
    return Compare(Engine.open(Settings()))


@pytest.mark.parametrize("metric", METRICS)
def test_every_model_has_a_line_with_its_figure_on_unseen_articles(tab: Compare, metric: str) -> None:
    shown = tab.shown(metric)
    lines = re.findall(r"<tr><th scope=\"row\".*?</tr>", shown["board"].partition("<tfoot>")[0], re.DOTALL)
    assert len(lines) == len(tab.evidences) == len(tab.engine.pool.models)
    for line, evidence in zip(lines, tab.evidences, strict=True):
        assert tab.titles[evidence.model] in line
        assert metric_text(evidence.corpora["isot/test"], metric).value in line
    assert "Horne 2017" in shown["corpora"]


@pytest.mark.parametrize("metric", METRICS)
def test_the_picture_holds_what_the_scoreboard_holds_best_first(tab: Compare, metric: str) -> None:
    scores = scoreboard(tab.evidences, metric)
    at = {c.title: i for i, c in enumerate(scores.columns)}
    known = {
        tab.titles[model]: (cells[at["mean"]], cells[at["Unseen articles"]], cells[at["ms"]])
        for model, cells in zip(scores.models, scores.rows, strict=True)
    }
    picture = tab.shown(metric)["picture"]
    lines = re.findall(r"<li><b>(.*?)</b>(.*?)</li>", picture, re.DOTALL)
    assert {title for title, _ in lines} == set(known)
    order = [known[title][0].value for title, _ in lines]
    assert order == sorted(order, reverse=metric != "ece")
    for title, line in lines:
        away, home, ms = known[title]
        assert f">{away.text}<" in line and f">{home.text}<" in line and f"{ms.text} ms" in line
        left = {kind: float(re.search(rf'<{kind} style="left:([\d.]+)%', line)[1]) for kind in "us"}
        assert (left["u"] < left["s"]) == (away.value < home.value)
    dots = {title: int(re.search(r"width:(\d+)px", line)[1]) for title, line in lines}
    assert max(dots, key=lambda t: dots[t]) == max(known, key=lambda t: known[t][2].value)
    assert ("always answering" in picture) == (metric in ("accuracy", "macro_f1"))


def test_every_column_can_be_sorted_and_says_what_it_is_and_groups_fold_to_one(tab: Compare) -> None:
    board = tab.shown("accuracy")["board"]
    heads = re.findall(r'<button type="button" data-column="(\d+)" data-first="(\w+)" title="([^"]*)"', board)
    assert [int(i) for i, _, _ in heads] == list(range(len(heads)))
    assert all(note for _, _, note in heads[1:])
    cells = re.findall(r'<td class="n[^"]*" data-title="[^"]+" data-value="([^"]*)"', board.partition("<tfoot>")[0])
    assert len(cells) == (len(heads) - 1) * len(tab.evidences)
    assert all(value == "" or float(value) >= 0 for value in cells)
    groups = dict(re.findall(r'data-group="(\d)" data-span="(\d)"', board))
    for group, span in groups.items():
        assert len(re.findall(rf'<th scope="col" class="n fn-g{group}[ "]', board)) == int(span) > 1
        assert len(re.findall(rf'<th scope="col" class="n fn-g{group} fn-lead', board)) == 1


def test_accuracy_that_the_larger_class_reaches_too_is_not_left_to_look_good(tab: Compare) -> None:
    shown = tab.shown("accuracy")
    foot = shown["board"].partition("<tfoot>")[2]
    assert ">Always the larger class</th>" in foot and metric_text(tab.evidences[0].corpora["isot/test"], "roc_auc")
    coaid = next(line for line in shown["corpora"].split("<tr>") if "CoAID news" in line)
    assert coaid.count("fn-than") == coaid.count(">Worse than the larger class") + coaid.count('title="Worse than')
    assert coaid.count("fn-than") == len(tab.evidences)
    chance = tab.shown("roc_auc")
    assert ">Guessing</th>" in chance["board"] and "no better than chance" in chance["corpora"]
    assert "<tfoot>" not in tab.shown("ece")["board"]


def test_no_cell_has_more_than_a_number_and_its_interval(tab: Compare) -> None:
    shown = tab.shown("accuracy")
    cells = re.findall(r"<td.*?</td>", shown["board"] + shown["corpora"], re.DOTALL)
    assert max(cell.count("<small>") for cell in cells) == 1
    seen = [re.sub(r"<span class=.fn-sr.>.*?</span>|<[^>]+>", "", cell).strip() for cell in cells]
    assert all("\n" not in text and len(text) < 24 for text in seen)


def test_no_head_of_a_column_is_empty(tab: Compare) -> None:
    assert not re.findall(r"<th[^>]*></th>", "".join(tab.shown("accuracy").values()))


def test_training_curves_are_drawn_for_every_stage_that_was_logged_with_their_table(tab: Compare) -> None:
    assert any(name.startswith("TinyBERT") for name in tab.histories)
    for name, history in tab.histories.items():
        shown = tab.curves(name)
        assert shown["curves"].data and ("went from" in shown["numbers"] or "was best" in shown["numbers"])
        epochs = {row["epoch"] for row in history if {"loss", "eval_loss", "eval_f1"} & set(row)}
        assert shown["numbers"].count("<tr><td>") == len(epochs)
