"""Values to plotly figures, each beside the sentence that says what it shows.

One figure serves the light and the dark page, so that switching needs no redraw: backgrounds are transparent, text
takes the color of the page around it, and lines keep a contrast of 3.9 or more on white and on #111418. Lines differ
by dash as well as by color; orange and blue are left to the fake and the real class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.metrics.curves import CalibrationBins
from fakenews.reporting.digits import counted, listed, percent_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 300  # pixels
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
GREY, CLEAR = "#767d86", "rgba(0,0,0,0)"
LINES = (("#118a84", "solid"), ("#8f66e0", "dash"), (GREY, "dot"), ("#118a84", "dashdot"), ("#8f66e0", "longdash"))
_INK = "color:currentColor"  # plotly hands the style of a span on to SVG, where `color` becomes `fill`
_AXIS = {
    "zeroline": False,
    "automargin": True,
    "fixedrange": True,
    "gridcolor": "rgba(118,125,134,0.25)",
    "tickprefix": f'<span style="{_INK}">',
    "ticksuffix": "</span>",
    "title": {"standoff": 8, "font": {"size": 13}},
}
TEMPLATE: dict[str, Any] = {
    "layout": {
        "autosize": True,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"family": FONT, "size": 13, "color": GREY},
        "hoverlabel": {"bgcolor": "#16191d", "bordercolor": GREY, "font": {"family": FONT, "color": "#ffffff"}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": CLEAR},
        "dragmode": False,
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    },
    "data": {"scatter": [{"cliponaxis": False, "line": {"width": 2.5}, "marker": {"size": 7}}]},
}


class Curve(NamedTuple):
    """One line of a ROC or precision-recall figure.

    Attributes
    ----------
    name : str
        Of the model.
    x, y : ndarray of shape (n_points,)
    area : str
        Area under the curve as printed by `digits.metric_text`, or "".
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    area: str = ""


class OperatingPoint(NamedTuple):
    """Point of a curve at a threshold."""

    x: float
    y: float
    threshold: float


def roc_figure(curve: Curve, point: OperatingPoint) -> go.Figure:
    """Draw true against false positive rate of `fake` (`Curve.x` is the latter), and the diagonal of chance."""
    hover = "%{y:.3f} of fake articles found<br>%{x:.3f} of real ones taken for fake"
    line = _line(0, curve.x, curve.y, f"{curve.name} {curve.area}", hover)
    figure = _figure(_reference((0, 1), (0, 1)), line, **_unit("real articles taken for fake", "fake articles found"))
    return _marked(figure, point, "right" if point.x > 0.7 else "left")


def describe_roc(curve: Curve) -> str:
    """Describe the ROC curve in one sentence."""
    return f"Area under the curve: {curve.area}. Guessing has 0.5, a perfect order 1. The ring is the threshold."


def pr_figure(curve: Curve, share_fake: float, point: OperatingPoint | None) -> go.Figure:
    """Draw precision against recall of `fake` (`Curve.x` is the recall).

    Parameters
    ----------
    curve : Curve
    share_fake : float
        Share of fake articles in [0, 1]: the precision of guessing, drawn as a dotted line.
    point : OperatingPoint or None
    """
    hover = "%{x:.3f} of fake articles found<br>%{y:.3f} of those called fake are"
    line = _line(0, curve.x, curve.y, f"{curve.name} {curve.area}", hover)
    axes = _unit("fake articles found (recall)", "precision when saying fake")
    figure = _figure(_reference((0, 1), (share_fake, share_fake)), line, **axes)
    return _marked(figure, point, "left" if point and point.x < 0.3 else "right")


def describe_pr(curve: Curve, share_fake: float) -> str:
    """Describe the precision-recall curve: average precision, and the precision at nine fake articles of ten."""
    precision = percent_text(np.max(curve.y, where=curve.x >= 0.9, initial=0.0))
    return (
        f"Average precision: {curve.area}. With nine of ten fake articles found, {precision} of those called fake are; "
        f"guessing has {percent_text(share_fake)}."
    )


def calibration_figure(name: str, bins: CalibrationBins) -> go.Figure:
    """Draw the observed share of fake articles against the probability given, with 95% Wilson bars."""
    hover = "given %{x:.2f}, fake %{y:.2f}<br>%{customdata:,} articles"
    bars = {"array": bins.high - bins.observed, "arrayminus": bins.observed - bins.low, "thickness": 1, "width": 3}
    line = _line(0, bins.mean_predicted, bins.observed, name, hover, mode="lines+markers")
    axes = _unit("probability of fake given", "share that is fake")
    return _figure(_reference((0, 1), (0, 1)), {**line, "error_y": bars, "customdata": bins.count}, **axes)


def describe_calibration(bins: CalibrationBins) -> str:
    """Describe the calibration curve: the gap in the mean, and how many bins agree with the diagonal."""
    gap = 100 * float(np.average(np.abs(bins.observed - bins.mean_predicted), weights=bins.count))
    inside = int(np.sum((bins.low <= bins.mean_predicted) & (bins.mean_predicted <= bins.high)))
    points = "less than one percentage point" if gap < 1 else f"about {counted(round(gap), 'percentage point')}"
    return (
        f"Probabilities are off by {points} on average; {inside} of {counted(bins.count.size, 'bin')} agree with the "
        "observed share."
    )


def training_curves_figure(history: Sequence[Mapping[str, float]]) -> go.Figure:
    """Draw losses above, validation F1 below, over epochs.

    Parameters
    ----------
    history : sequence of mapping
        Rows as `transformers.Trainer` logs them: "epoch" with any of "loss", "eval_loss", "eval_f1".

    Raises
    ------
    ValueError
        If no row has an epoch and one of these.
    """
    lines = []
    for i, (key, (x, y)) in enumerate(_series(history).items()):
        mode = "lines" if key == "loss" else "lines+markers"
        line = _line(i, x, y, _SERIES[key], "epoch %{x:.2f}: %{y:.3f}", mode)
        lines.append({**line, "yaxis": "y2" if key == "eval_f1" else "y"})
    return _figure(
        *lines,
        xaxis={"title": {"text": _ink("epoch")}, "showgrid": False, "anchor": "y2"},
        yaxis={"title": {"text": _ink("loss")}, "domain": (0.56, 1), "rangemode": "tozero"},
        yaxis2={"title": {"text": _ink("F1")}, "domain": (0, 0.44)},
    )


def describe_training_curves(history: Sequence[Mapping[str, float]]) -> str:
    """Describe the training curves in one sentence."""
    series = _series(history)
    parts, once, at = [], [], 0.0
    for key, (x, y) in series.items():
        name, first, last = f"the {_SERIES[key]}", f"{y[0]:.2g}", f"{y[-1]:.2g}"
        if key != "loss" and len(y) == 1:
            once.append(f"{name} was {f'{y[0]:.3f}' if key == 'eval_f1' else first}")
            at = x[0]
        elif key == "eval_f1":
            best = int(np.argmax(y))
            parts.append(f"{name} was best after epoch {x[best]:.3g} with {y[best]:.3f}")
        else:
            parts.append(f"{name} {f'stayed at {last}' if first == last else f'went from {first} to {last}'}")
    clauses = [listed(parts)] if parts else []
    if once:
        clauses.append(f"measured once, after epoch {at:.3g}, {listed(once)}")
    return _sentence("; ".join(clauses))


def training_table(history: Sequence[Mapping[str, float]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return titles of the columns and rows of the same in numbers, a row per epoch that was logged."""
    series = {key: dict(zip(*points, strict=True)) for key, points in _series(history).items()}
    epochs = sorted({epoch for values in series.values() for epoch in values})
    rows = [(f"{e:.3g}", *(f"{v[e]:.3f}" if e in v else "" for v in series.values())) for e in epochs]
    return ["Epoch", *(_sentence(_SERIES[key])[:-1] for key in series)], rows


_SERIES = {"loss": "training loss", "eval_loss": "validation loss", "eval_f1": "validation F1"}


def _series(history: Sequence[Mapping[str, float]]) -> dict[str, tuple[list[float], list[float]]]:
    series = {}
    for key in _SERIES:
        rows = [(row["epoch"], row[key]) for row in history if key in row and "epoch" in row]
        if rows:
            series[key] = ([x for x, _ in rows], [y for _, y in rows])
    if not series:
        raise ValueError(f"The training history holds no epochs with one of {', '.join(_SERIES)}.")
    return series


def _figure(*traces: Any, **axes: Any) -> go.Figure:
    import plotly.graph_objects as go

    return go.Figure(traces, {"template": TEMPLATE, "height": HEIGHT, **axes})


def _ink(text: str) -> str:
    """Return text in the color of the page."""
    return f'<span style="{_INK}">{text}</span>'


def _unit(x: str, y: str) -> dict[str, Any]:
    """Return axes from 0 to 1, with a little room beyond, so that lines along the edge keep their width."""
    ticks = {"dtick": 0.25, "tickformat": ".2~f"}
    return {
        "xaxis": {"title": {"text": _ink(x)}, "range": (-0.01, 1.01), **ticks},
        "yaxis": {"title": {"text": _ink(y)}, "range": (-0.01, 1.02), **ticks},
    }


def _reference(x: tuple[float, float], y: tuple[float, float]) -> dict[str, Any]:
    line = {"color": GREY, "width": 1, "dash": "2px,4px"}
    return {"type": "scatter", "x": x, "y": y, "mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}


def _line(i: int, x: Any, y: Any, name: str, hover: str, mode: str = "lines") -> dict[str, Any]:
    color, dash = LINES[i % len(LINES)]
    trace = {"type": "scatter", "x": x, "y": y, "mode": mode, "line": {"color": color, "dash": dash}}
    return {**trace, **_named(name, hover)}


def _named(name: str, hover: str) -> dict[str, Any]:
    return {"name": _ink(name), "hovertemplate": f"{name}<br>{hover}<extra></extra>", "showlegend": True}


def _marked(figure: go.Figure, point: OperatingPoint | None, side: str) -> go.Figure:
    """Draw a ring on the first curve, and the threshold beneath it, on the side where `xanchor` leaves it free."""
    if point is None:
        return figure
    figure.add_scatter(
        x=[point.x],
        y=[point.y],
        mode="markers",
        marker={"size": 13, "color": CLEAR, "line": {"color": LINES[0][0], "width": 2.5}},
        hovertemplate=f"threshold {point.threshold:.2f}<extra></extra>",
        showlegend=False,
    )
    low = point.y < 0.15
    shift = {"xshift": 9 if side == "left" else -9, "yshift": 4 if low else -8}
    figure.add_annotation(
        x=point.x, y=point.y, text=_ink(f"{point.threshold:.2f}"), showarrow=False, xanchor=side,
        yanchor="bottom" if low else "top", **shift,
    )  # fmt: skip
    return figure


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
