"""Values to plotly figures, each beside the sentence that says what it shows.

One figure serves the light and the dark page, so that switching needs no redraw: backgrounds are transparent, text
takes the colour of the page around it, and lines keep a contrast of 3.9 or more on white and on #111418. Lines differ
by dash as well as by colour; orange and blue are left to the fake and the real class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakenews.metrics.curves import CalibrationBins
from fakenews.metrics.evaluation import Evaluation
from fakenews.reporting.digits import counted, listed, percent_text, share_text
from fakenews.schema import LABELS

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 300  # pixels
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
GREY = "#767d86"
LINES = (("#118a84", "solid"), ("#8f66e0", "dash"), (GREY, "dot"), ("#118a84", "dashdot"), ("#8f66e0", "longdash"))
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "x")
# A hit is a soft wash; an error takes the tint of the class it was taken for.
HIT_TINT, FAKE_TINT, REAL_TINT = "rgba(118,125,134,0.10)", "rgba(217,119,6,0.18)", "rgba(59,130,246,0.18)"


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


class Mark(NamedTuple):
    """Where on a curve a threshold stands."""

    x: float
    y: float
    threshold: float


class Point(NamedTuple):
    """One model in a scatter plot."""

    name: str
    x: float
    y: float


def confusion_matrix_figure(evaluation: Evaluation, selected: tuple[int, int] | None = None) -> go.Figure:
    """Counts and row shares in four cells, rows true, columns predicted; a clicked point has y = row, x = column.

    Parameters
    ----------
    evaluation : Evaluation
    selected : (row, column) or None
        Cell drawn with an outline; indices into `LABELS`.
    """
    import plotly.graph_objects as go

    matrix = evaluation.confusion_matrix
    words = [[f"{count} {_cell_words(i, j)}" for j, count in enumerate(row)] for i, row in enumerate(matrix)]
    text = [
        [f"{_ink(f'<b>{count:,}</b>', size=22)}<br>{_ink(share_text(count, sum(row)))}" for count in row]
        for row in matrix
    ]
    steps = ((0, HIT_TINT), (1 / 3, FAKE_TINT), (2 / 3, REAL_TINT))
    figure = _figure(height=240)
    figure.add_trace(
        go.Heatmap(
            x=(0, 1),
            y=(0, 1),
            z=((0, 2), (1, 0)),  # which tint, in thirds of the scale
            zmin=0,
            zmax=2,
            colorscale=[stop for at, tint in steps for stop in ((at, tint), (at + 1 / 3, tint))],
            showscale=False,
            xgap=4,
            ygap=4,
            text=text,
            texttemplate="%{text}",
            textfont={"size": 14},
            customdata=words,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    labels = {"showgrid": False, "ticks": "", "tickvals": (0, 1)}
    figure.update_xaxes(**labels, side="top", ticktext=[_ink(f"predicted {label}") for label in LABELS], tickangle=0)
    # The spaces keep the words off the cells.
    figure.update_yaxes(**labels, autorange="reversed", ticktext=[_ink(f"true {label}") + "  " for label in LABELS])
    if selected is not None:
        row, column = selected
        figure.add_shape(
            type="rect",
            x0=column - 0.49,
            x1=column + 0.49,
            y0=row - 0.49,
            y1=row + 0.49,
            line={"color": GREY, "width": 3},
        )
    return figure


def describe_confusion_matrix(evaluation: Evaluation) -> str:
    """The confusion matrix in one sentence."""
    rows = []
    for i, row in enumerate(evaluation.confusion_matrix):
        hits, errors = row[i], row[1 - i]
        articles = "article" if sum(row) == 1 else "articles"
        rows.append(
            f"of {sum(row):,} {LABELS[i]} {articles} {hits:,} read like the {LABELS[i]} class "
            f"and {errors:,} like the {LABELS[1 - i]} one"
        )
    return _sentence("; ".join(rows))


def roc_figure(curves: Sequence[Curve], mark: Mark | None = None) -> go.Figure:
    """True against false positive rate of `fake` (`Curve.x` is the false positive rate), and the diagonal of chance."""
    figure = _figure()
    _unit_axes(figure, "real articles taken for fake", "fake articles found")
    _diagonal(figure)
    for i, curve in enumerate(curves):
        _add_line(
            figure,
            i,
            x=curve.x,
            y=curve.y,
            name=f"{curve.name} {curve.area}".strip(),
            hovertemplate="%{y:.3f} of fake articles found<br>%{x:.3f} of real ones taken for fake",
        )
    if mark is not None:
        _add_mark(figure, mark, "right" if mark.x > 0.7 else "left")
    return figure


def describe_roc(curves: Sequence[Curve], mark: Mark | None = None) -> str:
    """The ROC curves in one sentence, and what is marked in another."""
    areas = listed([f"{curve.area or 'not known'} for {curve.name}" for curve in curves])
    return f"ROC curves: the area under the curve is {areas}, where guessing has 0.5 and a perfect order 1." + (
        ""
        if mark is None
        else f" Marked: the threshold of {mark.threshold:.2f}, with {percent_text(mark.y)} of fake articles found and "
        f"{percent_text(mark.x)} of real ones taken for fake."
    )


def pr_figure(curves: Sequence[Curve], share_fake: float, mark: Mark | None = None) -> go.Figure:
    """Precision against recall of `fake` (`Curve.x` is the recall).

    Parameters
    ----------
    curves : sequence of Curve
    share_fake : float
        Share of fake articles in [0, 1]: the precision of guessing, drawn as a dotted line.
    mark : Mark, optional
    """
    figure = _figure()
    _unit_axes(figure, "fake articles found (recall)", "precision when saying fake")
    _reference(figure, (0, 1), (share_fake, share_fake))
    for i, curve in enumerate(curves):
        _add_line(
            figure,
            i,
            x=curve.x,
            y=curve.y,
            name=f"{curve.name} {curve.area}".strip(),
            hovertemplate="%{x:.3f} of fake articles found<br>%{y:.3f} of those called fake are",
        )
    if mark is not None:
        _add_mark(figure, mark, "left" if mark.x < 0.3 else "right")
    return figure


def describe_pr(curves: Sequence[Curve], share_fake: float, mark: Mark | None = None) -> str:
    """The precision-recall curves in words: average precision, and the precision at nine fake articles found of ten."""
    parts = [f"{percent_text(np.max(c.y, where=c.x >= 0.9, initial=0.0))} for {c.name}" for c in curves]
    areas = [f"{curve.area} for {curve.name}" for curve in curves if curve.area]
    average = f"; the average precision is {listed(areas)}" if areas else ""
    return (
        "Precision and recall: with nine of ten fake articles found, the share of fake ones among those called fake "
        f"is {listed(parts)}, where guessing has {percent_text(share_fake)}{average}."
    ) + (
        ""
        if mark is None
        else f" Marked: the threshold of {mark.threshold:.2f}, with {percent_text(mark.x)} of fake articles found; of "
        f"those called fake {percent_text(mark.y)} are."
    )


def calibration_figure(models: Sequence[tuple[str, CalibrationBins]]) -> go.Figure:
    """Observed share of fake articles against the probability given, with 95 % Wilson bars and the diagonal."""
    figure = _figure()
    _unit_axes(figure, "probability of fake given", "share that is fake")
    _diagonal(figure)
    for i, (name, bins) in enumerate(models):
        _add_line(
            figure,
            i,
            x=bins.mean_predicted,
            y=bins.observed,
            name=name,
            mode="lines+markers",
            error_y={
                "array": bins.high - bins.observed,
                "arrayminus": bins.observed - bins.low,
                "thickness": 1,
                "width": 3,
            },
            customdata=bins.count,
            hovertemplate="given %{x:.2f}, fake %{y:.2f}<br>%{customdata:,} articles",
        )
    return figure


def describe_calibration(models: Sequence[tuple[str, CalibrationBins]]) -> str:
    """The calibration curves in one sentence: the gap in the mean, and how many bins agree with the diagonal."""
    parts = []
    for name, bins in models:
        gap = 100 * float(np.average(np.abs(bins.observed - bins.mean_predicted), weights=bins.count))
        inside = int(np.sum((bins.low <= bins.mean_predicted) & (bins.mean_predicted <= bins.high)))
        points = "less than one percentage point" if gap < 1 else f"about {counted(round(gap), 'percentage point')}"
        parts.append(
            f"the probabilities of {name} are off by {points} on average over {bins.count.sum():,} articles, "
            f"and {inside} of {counted(bins.count.size, 'bin')} agree with the observed share"
        )
    return _sentence("; ".join(parts))


def training_curves_figure(history: Sequence[Mapping[str, float]]) -> go.Figure:
    """Losses above, validation F1 below, over epochs.

    Parameters
    ----------
    history : sequence of mapping
        Rows as `transformers.Trainer` logs them: "epoch" with any of "loss", "eval_loss", "eval_f1".

    Raises
    ------
    ValueError
        If no row has an epoch and one of these.
    """
    from plotly.subplots import make_subplots

    series = _series(history)
    figure = _styled(make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.12), HEIGHT)
    for i, (key, (x, y)) in enumerate(series.items()):
        _add_line(
            figure,
            i,
            row=2 if key == "eval_f1" else 1,
            col=1,
            x=x,
            y=y,
            name=_SERIES[key],
            mode="lines" if key == "loss" else "lines+markers",
            hovertemplate="epoch %{x:.2f}: %{y:.3f}",
        )
    figure.update_xaxes(_axis(""), showgrid=False)
    figure.update_xaxes(_axis("epoch"), row=2)
    figure.update_yaxes(_axis("loss"), rangemode="tozero", row=1)
    figure.update_yaxes(_axis("F1"), row=2)
    return figure


def describe_training_curves(history: Sequence[Mapping[str, float]]) -> str:
    """The training curves in one sentence."""
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
    told = [listed(parts)] if parts else []
    if once:
        told.append(f"measured once, after epoch {at:.3g}, {listed(once)}")
    return _sentence("; ".join(told))


def transfer_figure(points: Sequence[Point]) -> go.Figure:
    """Area under the ROC curve on other corpora against that in-domain, and the line on which they are equal."""
    figure = _figure()
    figure.update_xaxes(_axis("ROC AUC in-domain, unseen articles"), range=(0.48, 1.02), dtick=0.1)
    figure.update_yaxes(_axis("mean ROC AUC out-of-domain"), range=(0.48, 1.02), dtick=0.1)
    _reference(figure, (0.5, 1), (0.5, 1))
    _add_points(figure, points, "in-domain %{x:.3f}, out-of-domain %{y:.3f}")
    return figure


def describe_transfer(points: Sequence[Point]) -> str:
    """In-domain against out-of-domain in one sentence."""
    if not points:
        return "No model was measured on other corpora yet."
    falls = [p.x - p.y for p in points]
    lie = []
    for where, found in (("below", [f for f in falls if f >= 0]), ("above", [-f for f in falls if f < 0])):
        if found:
            least, most = f"{min(found):.2f}", f"{max(found):.2f}"
            far = least if least == most else f"{least} to {most}"
            lie.append(f"{counted(len(found), 'model')} lie{'s' if len(found) == 1 else ''} {far} {where} it")
    return _sentence(
        f"on the dotted line a model would be as good on publishers never seen in training as in-domain; {listed(lie)}"
    )


def cost_figure(points: Sequence[Point]) -> go.Figure:
    """Accuracy on unseen articles against milliseconds for one, on a logarithmic axis."""
    figure = _figure()
    figure.update_xaxes(_axis("milliseconds for one article"), type="log", dtick=1, range=_decades(points))
    figure.update_yaxes(_axis("accuracy on unseen articles"), tickformat=".1%")
    _add_points(figure, points, "%{x:.3g} ms, accuracy %{y:.1%}")
    return figure


def describe_cost(points: Sequence[Point]) -> str:
    """Accuracy against milliseconds in one sentence."""
    if not points:
        return "No model's speed was measured yet."
    fastest, top = min(points, key=lambda p: p.x), f"{100 * max(p.y for p in points):.1f} %"
    best = [p for p in points if f"{100 * p.y:.1f} %" == top]
    most = f"{listed([p.name for p in best])} {'is' if len(best) == 1 else 'are'} right most often, on {top}"
    taken = f"take{'s' if len(best) == 1 else ''} {listed([f'{p.x:.0f}' for p in best])} ms"
    return _sentence(
        f"{fastest.name} is the fastest with {fastest.x:.0f} ms an article and is right on {percent_text(fastest.y)}; "
        f"{most}, and {taken}"
    )


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


def _figure(height: int = HEIGHT) -> go.Figure:
    import plotly.graph_objects as go

    return _styled(go.Figure(), height)


def _styled(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(
        template="none",
        height=height,
        autosize=True,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13, "color": GREY},
        hoverlabel={"bgcolor": "#16191d", "bordercolor": GREY, "font": {"family": FONT, "color": "#ffffff"}},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
        dragmode=False,
    )
    figure.update_xaxes(zeroline=False, automargin=True, fixedrange=True, gridcolor="rgba(118,125,134,0.25)")
    figure.update_yaxes(zeroline=False, automargin=True, fixedrange=True, gridcolor="rgba(118,125,134,0.25)")
    return figure


def _ink(text: str, size: int | None = None) -> str:
    """Text in the colour of the page: plotly hands the style of a span on to SVG, where `color` becomes `fill`."""
    style = f"color:currentColor;font-size:{size}px" if size else "color:currentColor"
    return f'<span style="{style}">{text}</span>'


def _axis(title: str) -> dict[str, Any]:
    """Title and ticks of an axis in the colour of the page."""
    axis: dict[str, Any] = {"tickprefix": '<span style="color:currentColor">', "ticksuffix": "</span>"}
    return {**axis, "title": {"text": _ink(title), "standoff": 8, "font": {"size": 13}}} if title else axis


def _unit_axes(figure: go.Figure, x: str, y: str) -> None:
    # A little room beyond 0 and 1, so that lines along the edge keep their width.
    figure.update_xaxes(_axis(x), range=(-0.01, 1.01), dtick=0.25, tickformat=".2~f")
    figure.update_yaxes(_axis(y), range=(-0.01, 1.02), dtick=0.25, tickformat=".2~f")


def _diagonal(figure: go.Figure) -> None:
    _reference(figure, (0, 1), (0, 1))


def _reference(figure: go.Figure, x: tuple[float, float], y: tuple[float, float]) -> None:
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": GREY, "width": 1, "dash": "2px,4px"}, hoverinfo="skip", showlegend=False
    )


def _add_line(figure: go.Figure, i: int, *, name: str, hovertemplate: str, mode: str = "lines", **trace: Any) -> None:
    colour, dash = LINES[i % len(LINES)]
    figure.add_scatter(
        **trace,
        name=_ink(name),
        mode=mode,
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={"size": 7},
        cliponaxis=False,
        hovertemplate=f"{name}<br>{hovertemplate}<extra></extra>",
        showlegend=True,
    )


def _add_points(figure: go.Figure, points: Sequence[Point], hovertemplate: str) -> None:
    """A marker each, named by the legend: models often lie too close together for names beside them."""
    for i, point in enumerate(points):
        figure.add_scatter(
            x=[point.x],
            y=[point.y],
            mode="markers",
            name=_ink(point.name),
            marker={"size": 11, "symbol": SYMBOLS[i % len(SYMBOLS)], "color": LINES[i % len(LINES)][0]},
            hovertemplate=f"{point.name}<br>{hovertemplate}<extra></extra>",
            cliponaxis=False,
            showlegend=True,
        )


def _add_mark(figure: go.Figure, mark: Mark, side: str) -> None:
    """A ring on the first curve, and the threshold beneath it, on the side where `xanchor` leaves the curve free."""
    figure.add_scatter(
        x=[mark.x],
        y=[mark.y],
        mode="markers",
        marker={"size": 13, "color": "rgba(0,0,0,0)", "line": {"color": LINES[0][0], "width": 2.5}},
        hovertemplate=f"threshold {mark.threshold:.2f}<extra></extra>",
        cliponaxis=False,
        showlegend=False,
    )
    figure.add_annotation(
        x=mark.x,
        y=mark.y,
        text=_ink(f"{mark.threshold:.2f}"),
        showarrow=False,
        xanchor=side,
        yanchor="bottom" if mark.y < 0.15 else "top",
        xshift=9 if side == "left" else -9,
        yshift=4 if mark.y < 0.15 else -8,
    )


def _decades(points: Sequence[Point]) -> tuple[float, float]:
    """Range of a logarithmic axis, in powers of ten: the whole decades around the points."""
    if not points:
        return (0.0, 2.0)
    low, high = np.log10([min(p.x for p in points), max(p.x for p in points)])
    return (float(np.floor(low)), float(np.ceil(high)))


def _cell_words(true: int, predicted: int) -> str:
    return f"{LABELS[true]} articles {'read as' if true == predicted else 'taken for'} {LABELS[predicted]}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
