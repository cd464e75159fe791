"""What the owner of a review set reads: a page with controls, and the same as a report to keep. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from markupsafe import Markup

from fakenews.reporting.digits import counted, listed, percent_text
from fakenews.review_sets.exports import to_csv, to_json, to_jsonl
from fakenews.review_sets.statistics import Alpha, ArticleSummary, MindChanges, Rate, SetSummary, summarize
from fakenews.review_sets.values import Answer, Item, Results, ReviewSet, Weights
from fakenews.share.links import set_address
from fakenews.share.review import Kappa
from fakenews.share.store import DAYS
from fakenews.ui import render_shares
from fakenews.ui.scripts import policy_of, script
from fakenews.ui.style import SET_REPORT_CSS, document_style
from fakenews.ui.templates import draw
from fakenews.verdict import VERDICTS

FORMATS = ("json", "csv", "jsonl", "html")  # of results as a file
NOT_YET = "—"
CHOICES = {"fake": "Fake", "real": "Real", "cannot_judge": "Cannot tell"}
LETTERS = {"fake": "F", "real": "R", "cannot_judge": "?"}
FIRST = 20  # articles and pairs that are shown; the rest is folded
FIRM, TENTATIVE = 0.8, 0.667  # Krippendorff, "Content Analysis", 2004, section 11.4.2
TICKS = (0, 25, 50, 75, 100)


class Cell(NamedTuple):
    """One answer in the matrix: the verdict, and the one after the models were seen where it is another."""

    verdict: str = ""
    after: str = ""


class Dot(NamedTuple):
    """One line of the picture; the ends of the interval are in percent of the axis."""

    title: str
    is_model: bool
    left: float
    low: float
    high: float
    text: str


class Article(NamedTuple):
    """One article with what was said of it."""

    item: Item
    said: ArticleSummary
    parts: tuple[tuple[str, int, float], ...]  # verdict, reviewers, percent of the bar
    groups: tuple[tuple[str, str], ...]  # verdict, and the reviewers who gave it
    models: tuple[tuple[str, str, str], ...]  # title, verdict, probability
    comments: tuple[tuple[str, str], ...]  # reviewer, comment

    @property
    def n(self) -> int:
        """Return how many reviewers answered."""
        return self.said.fake + self.said.real + self.said.cannot_judge


def report(results: Results, summary: SetSummary) -> Markup:
    """Draw the results as one page that needs nothing else: no script, no picture, nothing from the network."""
    return _document(results, _body(results, summary))


def written(results: Results, weights: Mapping[int, Mapping[str, Weights]], form: str) -> str:
    """Return the results as they are downloaded, in one of `FORMATS`."""
    if form in ("csv", "jsonl"):
        return to_csv(results) if form == "csv" else to_jsonl(results)
    summary = summarize(results, weights)
    return str(report(results, summary)) if form == "html" else f"{json.dumps(to_json(results, summary), indent=2)}\n"


def owner_page(results: Results, summary: SetSummary, base: str) -> Markup:
    """Draw the results with the controls of whoever has the owner's key, which the script reads from the address.

    Parameters
    ----------
    base : str
        Address of the server, for the link of the reviewers.
    """
    controls = {"link": set_address(base, results.set.id), "days": DAYS}
    return _document(results, _body(results, summary, controls), _code())


def policy() -> str:
    """Return the content security policy of the owner's page."""
    return policy_of(_code())


def outcome(results: Results, summary: SetSummary) -> str:
    """Say in one sentence what came out."""
    n_reviewers = sum(r.answered > 0 for r in summary.reviewers)
    if not results.set.is_ready:
        return "Reviewers can begin once all articles are analyzed."
    if not n_reviewers:
        begun = counted(len(summary.reviewers), "reviewer")
        return "Nobody has begun yet." if not summary.reviewers else f"{begun} began, and nobody has answered yet."
    on = counted(sum(a.entropy is not None for a in summary.articles), "article")
    start = f"{counted(n_reviewers, 'reviewer')} gave {counted(summary.n_answers, 'answer')} on {on}"
    parts = [_agreement_words(summary.alpha)] if summary.alpha.alpha is not None else []
    right, given = (sum(getattr(r.accuracy, name) for r in summary.reviewers) for name in ("part", "whole"))
    if given == 1:
        parts.append("matched the label" if right else "did not match the label")
    elif given:
        parts.append(f"matched the label in {_share(right, given)} of {given:,} verdicts")
    changes = summary.changes
    if changes.n == 1:
        parts.append(f"{'changed' if changes.changed else 'kept'} one verdict after seeing the models")
    elif changes.n:
        parts.append(f"changed {changes.changed or 'none'} of {changes.n:,} verdicts after seeing the models")
    who = "they" if n_reviewers > 1 else "this one"
    return f"{start}: {who} {listed(parts)}." if parts else f"{start}."


def _document(results: Results, body: Markup, code: str = "") -> Markup:
    style = document_style(SET_REPORT_CSS)
    return draw("set_report", "document", set=results.set, style=style, body=body, code=code)


@cache
def _code() -> Markup:
    """Return the script of the owner's page, which is the same for all sets."""
    sources = {"copy": script("copy"), "main": script("set_owner")}
    return draw("set_report", "code", **{name: Markup(source) for name, source in sources.items()})


def _body(results: Results, summary: SetSummary, controls: Mapping[str, Any] | None = None) -> Markup:
    titles = {m.model: m.title for m in summary.models}
    names = {r.number: r.name for r in summary.reviewers}
    articles = _articles(results, summary, names)
    return draw(
        "set_report",
        "body",
        set=results.set,
        summary=summary,
        sentence=outcome(results, summary),
        meta=_meta(results.set),
        controls=controls,
        problems=[(item, item.number + 1) for item in results.items if item.problem],
        figures=_figures(summary, results.set.blind),
        matrix=_matrix(results, summary, names, titles),
        dots=_dots(summary),
        ticks=TICKS,
        reviewers=[_reviewer(r, summary) for r in summary.reviewers],
        models=[_model(m) for m in summary.models],
        kappas=[_kappa_row(k) for k in summary.kappas],
        model_kappas=[_kappa_row(k) for k in summary.model_kappas],
        grid=_grid(summary),
        alpha=_alpha_words(summary.alpha),
        changes=_change_rows(summary),
        words=[(w.title, f"{w.n:,}", NOT_YET if w.agreement is None else _minus(w.agreement)) for w in summary.words],
        lead=titles.get(summary.lead, ""),
        articles=articles,
        first=FIRST,
        choices=CHOICES,
        letters=LETTERS,
    )


def _meta(set_: ReviewSet) -> str:
    kind = "Blind: reviewers judge before they see the models." if set_.blind else "Reviewers see the models at once."
    state = "Closed" if set_.closed else "Open for answers"
    made, until = render_shares.day(set_.created), render_shares.day(set_.expires)
    return f"{kind} {state}. Made {made}, kept until {until}."


def _figures(summary: SetSummary, blind: bool) -> list[tuple[str, str, str]]:
    answering = [r for r in summary.reviewers if r.answered]
    done = sum(r.answered == summary.n_articles for r in answering)
    of = len(answering) * summary.n_articles
    alpha, changes = summary.alpha, summary.changes
    unseen = "no verdict was given again yet" if blind else "the models are seen at once"
    interval = f", 95% interval {_ends(alpha.interval)}" if alpha.interval else ""
    every = "all" if summary.n_articles > 1 else "the"
    return [
        (
            f"{len(answering):,}",
            "Reviewers",
            f"{done or 'none'} done with {every} {counted(summary.n_articles, 'article')}",
        ),
        (f"{summary.n_answers:,}", "Answers", f"of {of:,} that these reviewers can give" if of else ""),
        (NOT_YET if alpha.alpha is None else _minus(alpha.alpha), "Agreement, Krippendorff's α", interval.strip(", ")),
        (
            f"{changes.changed:,}" if changes.n else NOT_YET,
            "Minds changed",
            f"of {counted(changes.n, 'verdict')} given again" if changes.n else unseen,
        ),
    ]


def _agreement_words(alpha: Alpha) -> str:
    value, interval = alpha.alpha or 0.0, alpha.interval
    if value >= FIRM:
        how = "agree well"
    elif value >= TENTATIVE:
        how = "agree fairly well"
    elif value <= 0 or (interval is not None and interval[0] <= 0):
        how = "agree no more than chance would have it"
    else:
        how = "agree little"
    return f"{how} (α {_minus(value)})"


def _alpha_words(alpha: Alpha) -> str:
    if alpha.alpha is None:
        return alpha.why
    interval = f", 95% interval {_ends(alpha.interval)}" if alpha.interval else ""
    over = f"{counted(alpha.n, 'article')} that two reviewers or more answered"
    return f"Krippendorff's α is {_minus(alpha.alpha)}{interval}, over {over}."


def _minus(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _ends(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{_minus(interval[0])} to {_minus(interval[1])}"


def _share(part: int, whole: int) -> str:
    return {0: "none", whole: "all"}.get(part) or percent_text(part / whole)


def _rate(rate: Rate | None) -> tuple[str, str]:
    """Return a share, and its counts with the interval, in print."""
    if rate is None or rate.interval is None:
        return NOT_YET, ""
    low, high = (round(100 * end) for end in rate.interval)
    return _share(rate.part, rate.whole), f"{rate.part:,} of {rate.whole:,}, {low}–{high}%"


def _dots(summary: SetSummary) -> list[Dot]:
    """Return the lines of the picture, best first: accuracy, or agreement with the majority where there is no label."""
    which = "accuracy" if summary.n_labeled else "majority"
    rates = [(r.name, False, getattr(r, which)) for r in summary.reviewers]
    rates += [(m.title, True, getattr(m, which)) for m in summary.models]
    dots = [
        Dot(title, is_model, 100 * rate.share, 100 * rate.interval[0], 100 * rate.interval[1], _rate(rate)[0])
        for title, is_model, rate in rates
        if rate.share is not None
    ]
    return sorted(dots, key=lambda dot: -dot.left)


def _reviewer(r: Any, summary: SetSummary) -> dict[str, Any]:
    return {
        "number": r.number,
        "name": r.name,
        "answered": f"{r.answered:,} of {summary.n_articles:,}",
        "cannot_judge": f"{r.cannot_judge:,}",
        "accuracy": _rate(r.accuracy),
        "after": _rate(r.after),
        "majority": _rate(r.majority),
        "seconds": NOT_YET if r.seconds is None else f"{r.seconds:.0f} s",
        "confidence": NOT_YET if r.confidence is None else f"{r.confidence:.1f}",
    }


def _model(m: Any) -> dict[str, Any]:
    rates = {"accuracy": _rate(m.accuracy), "majority": _rate(m.majority)}
    return {"title": m.title, "analyzed": f"{m.analyzed:,}", "no_verdict": f"{m.no_verdict:,}", **rates}


def _kappa_row(kappa: Kappa) -> tuple[str, str, str, str]:
    value = NOT_YET if kappa.kappa is None else _minus(kappa.kappa)
    agreed = round(kappa.agreed * kappa.n)
    return f"{kappa.first} and {kappa.second}", f"{kappa.n:,}", f"{agreed:,} ({_share(agreed, kappa.n)})", value


def _grid(summary: SetSummary) -> dict[str, Any]:
    """Return κ of every pair as rows of (text, strength 0 to 5), none where no κ is defined; models come last."""
    found = {(k.first, k.second): k.kappa for k in (*summary.kappas, *summary.model_kappas)}
    found |= {(k.second, k.first): k.kappa for k in summary.kappas}
    people = [r.name for r in summary.reviewers if r.answered] if set(found.values()) - {None} else []
    columns = [*(people if summary.kappas else []), *(m.title for m in summary.models)]

    def cell(row: str, column: str) -> tuple[str, int]:
        value = found.get((row, column))
        return ("" if value is None else _minus(value), 0 if value is None else min(5, max(0, int(5.99 * value))))

    return {"columns": columns, "rows": [(name, [cell(name, column) for column in columns]) for name in people]}


def _change_rows(summary: SetSummary) -> list[tuple[str, ...]]:
    def row(name: str, c: MindChanges) -> tuple[str, ...]:
        return name, *(f"{n:,}" for n in (c.n, c.changed, c.towards_label, c.away_from_label, c.towards_model))

    rows = [row(r.name, r.changes) for r in summary.reviewers if r.changes.n]
    return [*rows, row("All", summary.changes)] if rows else []


def _matrix(
    results: Results, summary: SetSummary, names: Mapping[int, str], titles: Mapping[str, str]
) -> dict[str, Any]:
    """Return rows of cells, one for each article in the order of adding: labels and models first, then reviewers."""
    items = results.items
    rows: list[tuple[str, str, Sequence[Cell]]] = []
    if summary.n_labeled:
        rows.append(("label", "Label", [Cell(item.label or "") for item in items]))
    for model, title in titles.items():
        said = [{m.model: m.verdict for m in item.models}.get(model, "") for item in items]
        rows.append(("model", title, [Cell(verdict) for verdict in said]))
    for r in results.reviewers:
        rows.append(("reviewer", names[r.number], [_cell(r.answers.get(item.number)) for item in items]))
    return {"columns": [(item.number + 1, item.heading) for item in items], "rows": rows}


def _cell(answer: Answer | None) -> Cell:
    if answer is None:
        return Cell()
    return Cell(answer.verdict, answer.after if answer.after and answer.after != answer.verdict else "")


def _articles(results: Results, summary: SetSummary, names: Mapping[int, str]) -> list[Article]:
    items = {item.number: item for item in results.items}
    found = []
    for said in summary.articles:
        item = items[said.number]
        counts = {"fake": said.fake, "cannot_judge": said.cannot_judge, "real": said.real}
        n = sum(counts.values())
        answers = [(names[r.number], r.answers[said.number]) for r in results.reviewers if said.number in r.answers]
        groups = [
            (verdict, listed([_named(name, a) for name, a in answers if a.verdict == verdict]))
            for verdict, count in counts.items()
            if count
        ]
        found.append(
            Article(
                item,
                said,
                tuple((verdict, count, round(100 * count / n, 2)) for verdict, count in counts.items() if count),
                tuple(groups),
                tuple((m.title, VERDICTS[m.verdict], percent_text(m.p_fake)) for m in item.models),
                tuple((name, a.comment) for name, a in answers if a.comment),
            )
        )
    return found


def _named(name: str, answer: Answer) -> str:
    """Return a reviewer's name with what else is known of the answer."""
    notes = [f"confidence {answer.confidence}"] if answer.confidence else []
    if answer.after and answer.after != answer.verdict:
        notes.append(f"then {CHOICES[answer.after].lower()}")
    return f"{name} ({', '.join(notes)})" if notes else name
