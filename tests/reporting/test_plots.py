"""Figures: what is drawn, that it is legible on both pages, and the sentence beside each."""

import json
import re

import numpy as np
import pytest

from fakenews.metrics.curves import calibration_bins, pr_points, roc_points
from fakenews.metrics.evaluation import evaluate
from fakenews.reporting import plots
from fakenews.reporting.digits import metric_text

LABELS = np.array([0] * 6 + [1] * 4)
P_A = np.array([0.9, 0.8, 0.7, 0.95, 0.6, 0.3, 0.1, 0.2, 0.05, 0.85])
HISTORY = [
    {"epoch": 0.5, "step": 10, "loss": 0.6, "learning_rate": 1e-5},
    {"epoch": 1.0, "step": 20, "eval_loss": 0.4, "eval_f1": 0.9},
    {"epoch": 1.5, "step": 30, "loss": 0.2},
    {"epoch": 2.0, "step": 40, "eval_loss": 0.3, "eval_f1": 0.96},
    {"epoch": 2.0, "step": 40, "train_runtime": 12.0},
]


POINTS = roc_points(LABELS, P_A)
ROC = plots.Curve("TinyBERT", POINTS.fpr, POINTS.tpr, metric_text(evaluate(LABELS, P_A), "roc_auc").value)
PR = plots.Curve("TinyBERT", pr_points(LABELS, P_A).recall, pr_points(LABELS, P_A).precision, "0.861")
BINS = calibration_bins(LABELS, P_A)
MARK = plots.OperatingPoint(0.25, 5 / 6, 0.5)


FIGURES = {
    "roc": lambda: plots.roc_figure(ROC, MARK),
    "pr": lambda: plots.pr_figure(PR, 0.6, None),
    "calibration": lambda: plots.calibration_figure("TinyBERT", BINS),
    "training": lambda: plots.training_curves_figure(HISTORY),
}
figures = pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)


def _plain(text):
    return re.sub(r"<[^>]+>", " ", text).split()


def _contrast(a, b):
    def luminance(color):
        c = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_roc_has_a_diagonal_and_the_line_of_the_model():
    diagonal, line, _ = plots.roc_figure(ROC, MARK).data
    assert (list(diagonal.x), list(diagonal.y)) == ([0, 1], [0, 1])
    assert diagonal.hoverinfo == "skip"
    assert np.array_equal(line.x, POINTS.fpr)
    assert np.array_equal(line.y, POINTS.tpr)
    assert _plain(line.name) == ["TinyBERT", "0.833"]


def test_pr_has_the_precision_of_guessing():
    guess, line = plots.pr_figure(PR, 0.6, None).data
    assert list(guess.y) == [0.6, 0.6]
    assert np.array_equal(line.x, PR.x)
    assert np.array_equal(line.y, PR.y)


def test_a_threshold_is_marked_on_its_curve():
    for figure in (plots.roc_figure(ROC, MARK), plots.pr_figure(PR, 0.6, MARK)):
        ring, (label,) = figure.data[-1], figure.layout.annotations
        assert (ring.x[0], ring.y[0]) == (label.x, label.y) == (0.25, 5 / 6)
        assert _plain(label.text) == ["0.50"] and "color:currentColor" in label.text


def test_calibration_has_wilson_bars_and_counts():
    _, line = plots.calibration_figure("TinyBERT", BINS).data
    assert np.allclose(line.y + line.error_y.array, BINS.high)
    assert np.allclose(line.y - line.error_y.arrayminus, BINS.low)
    assert np.array_equal(line.customdata, BINS.count)
    assert "%{customdata:,} articles" in line.hovertemplate


def test_training_curves_take_what_the_trainer_logs():
    loss, eval_loss, f1 = plots.training_curves_figure(HISTORY).data
    assert (list(loss.x), list(loss.y)) == ([0.5, 1.5], [0.6, 0.2])
    assert (list(eval_loss.x), list(eval_loss.y)) == ([1.0, 2.0], [0.4, 0.3])
    assert (list(f1.x), list(f1.y)) == ([1.0, 2.0], [0.9, 0.96])
    assert f1.yaxis != loss.yaxis == eval_loss.yaxis


def test_training_curves_without_rows_are_refused():
    with pytest.raises(ValueError, match="no epochs"):
        plots.training_curves_figure([{"step": 1, "train_runtime": 3.0}])


@figures
def test_figures_serve_both_pages(make):
    figure = make()
    layout = figure.layout.template.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.autosize
    assert layout.width is figure.layout.width is None
    assert {layout.xaxis.fixedrange, layout.yaxis.fixedrange} == {True}
    assert layout.xaxis.tickprefix == layout.yaxis.tickprefix == '<span style="color:currentColor">'
    words = [trace.name for trace in figure.data if trace.showlegend]
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        assert axis.fixedrange in (None, True)
        words += [axis.title.text, *(axis.ticktext or ())]
        assert axis.tickprefix is None
    assert [word for word in words if word and "color:currentColor" not in word] == []


@figures
def test_figures_travel_as_json(make):
    assert json.loads(make().to_json())["data"]


def test_lines_differ_by_dash_and_stand_out_on_both_pages():
    assert len({dash for _, dash in plots.LINES}) == len(plots.LINES)
    for color, _ in plots.LINES:
        assert min(_contrast(color, page) for page in ("#ffffff", "#111418")) >= 3.9


def test_descriptions():
    assert plots.describe_roc(ROC).startswith("Area under the curve: 0.833. Guessing has 0.5")
    # Nine of ten of six are all six: at 0.3, with one real article.
    assert "found, 86% of those called fake are; guessing has 60%." in plots.describe_pr(PR, 0.6)
    assert plots.describe_training_curves(HISTORY) == (
        "The training loss went from 0.6 to 0.2, the validation loss went from 0.4 to 0.3 "
        "and the validation F1 was best after epoch 2 with 0.960."
    )


def test_one_measurement_is_no_way_from_one_value_to_another():
    once = [
        {"epoch": 0.5, "loss": 2.8},
        {"epoch": 1.0, "loss": 2.1},
        {"epoch": 1.0, "eval_loss": 0.14, "eval_f1": 0.96},
    ]
    assert plots.describe_training_curves(once) == (
        "The training loss went from 2.8 to 2.1; measured once, after epoch 1, the validation loss was 0.14 and the "
        "validation F1 was 0.960."
    )
    twice = [{"epoch": 1.0, "eval_loss": 0.161}, {"epoch": 2.0, "eval_loss": 0.157}]
    assert plots.describe_training_curves(twice) == "The validation loss stayed at 0.16."


def test_description_of_calibration_states_gap_and_agreement():
    labels = np.repeat([0, 1, 0, 1], [10, 90, 20, 80])
    bins = calibration_bins(labels, np.repeat([0.1, 0.95], 100))
    assert plots.describe_calibration(bins) == (
        "Probabilities are off by about 38 percentage points on average; 1 of 2 bins agree with the observed share."
    )
