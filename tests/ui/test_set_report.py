"""The results of a review set on the owner's page and in the report: complete, self-contained, escaped."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import html as lxml_html

from fakenews.review_sets.statistics import SetSummary, summarize
from fakenews.review_sets.values import Answer, Item, ModelAnswer, Results
from fakenews.ui import set_report
from tests.review_sets.sets import item, random_results, results_of, reviewer
from tests.test_axe import AT_BOTH_SIZES, AXE, violations
from tests.test_hostile import PAYLOADS, check

BASE = "https://demo.test"


def report_of(results: Results) -> str:
    return set_report.report(results, summarize(results))


def page_of(results: Results) -> str:
    return set_report.owner_page(results, summarize(results), BASE)


def words(document: str) -> str:
    """Return the text of a document as it is read, without style and script."""
    tree = lxml_html.fromstring(re.sub(r"<(style|script)>.*?</\1>", "", document, flags=re.S))
    return " ".join(" ".join(tree.itertext()).split())


def test_the_report_needs_nothing_else() -> None:
    document = report_of(random_results(0))
    assert "<script" not in document and "<button" not in document and "<input" not in document
    assert not re.search(r'(?:src|href)="[^#]', document) and "url(" not in document and "@import" not in document
    assert "default-src 'none'" in document and document.startswith("<!doctype html>")


def test_the_owners_page_has_the_link_of_the_reviewers_and_no_key() -> None:
    document = page_of(random_results(0))
    assert f'value="{BASE}/?s=id"' in document and "&amp;o=" not in document and "?o=" not in document
    for control in ("Close", "Extend", "CSV", "JSONL", "HTML report", "Delete answers", "Delete the set"):
        assert control in words(document)


def test_the_policy_is_of_the_script_on_the_page() -> None:
    code = page_of(random_results(0)).split("<script>")[1].split("</script>")[0]
    assert b64encode(hashlib.sha256(code.encode()).digest()).decode() in set_report.policy()


def test_a_closed_set_can_be_opened_again() -> None:
    results = random_results(0)
    assert "Reopen" not in words(page_of(results))
    closed = results_of(results.items, results.reviewers, closed=True)
    assert "Reopen" in words(page_of(closed)) and "Closed." in words(report_of(closed))


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_of_the_summary_stands_on_it(seed: int) -> None:
    results = random_results(seed)
    summary = summarize(results)
    text = words(report_of(results))
    missing = [figure for figure in figures(summary) if figure not in text]
    assert not missing


def figures(summary: SetSummary) -> Iterator[str]:
    """Yield everything that the summary says, as it is printed."""
    minus = lambda value: f"{value:.2f}".replace("-", "−")  # noqa: E731
    yield from (f"on {summary.n_labeled} labeled of {summary.n_articles} articles", f"{summary.n_answers} Answers")
    assert summary.alpha.alpha is not None and summary.alpha.interval is not None
    low, high = summary.alpha.interval
    yield f"α is {minus(summary.alpha.alpha)}, 95% interval {minus(low)} to {minus(high)}"
    yield f"over {summary.alpha.n} articles"

    def rate(found: Any) -> str:
        low, high = found.interval
        share = {0: "none", found.whole: "all"}.get(found.part, f"{100 * found.share:.0f}%")
        return f"{share} {found.part} of {found.whole}, {100 * low:.0f}–{100 * high:.0f}%"

    for r in summary.reviewers:
        rates = " ".join(rate(x) for x in (r.accuracy, r.after, r.majority))
        counts = f"{r.answered} of {summary.n_articles} {r.cannot_judge}"
        yield f"{r.name} {counts} {rates} {r.seconds:.0f} s {r.confidence:.1f}"
        c = r.changes
        yield f"{r.name} {c.n} {c.changed} {c.towards_label} {c.away_from_label} {c.towards_model}"
    for m in summary.models:
        yield f"{m.title} {m.analyzed} {m.no_verdict} {rate(m.accuracy)} {rate(m.majority)}"
    for k in (*summary.kappas, *summary.model_kappas):
        assert k.kappa is not None
        agreed = round(k.agreed * k.n)
        yield f"{k.first} and {k.second} {k.n} {agreed} ({100 * k.agreed:.0f}%) {minus(k.kappa)}"
    c = summary.changes
    yield f"All {c.n} {c.changed} {c.towards_label} {c.away_from_label} {c.towards_model}"
    for a in summary.articles:
        counts = " ".join(f"{n}" for n in (a.fake, a.cannot_judge, a.real) if n)
        yield f"Article {a.number + 1} {counts} label {a.label}" if a.label else f"{counts} no label"
        yield f"{a.entropy:.2f} bits"
        yield f"Median time {a.seconds:.0f} s"


def test_the_matrix_has_every_answer_and_shows_changed_minds() -> None:
    results = random_results(0)
    tree = lxml_html.fromstring(report_of(results))
    rows = {
        tr.find("th").text: [td.text_content() for td in tr.findall("td")]
        for tr in tree.xpath("//table[@class='fn-res-matrix']/tbody/tr")
    }
    letters = {"fake": "F", "real": "R", "cannot_judge": "?", None: ""}
    assert rows["Label"] == [letters[i.label] for i in results.items]
    for r in results.reviewers:
        expected = []
        for i in range(len(results.items)):
            a = r.answers.get(i)
            moved = f"→{letters[a.after]}" if a and a.after and a.after != a.verdict else ""
            expected.append(f"{letters[a.verdict]}{moved}" if a else "")
        assert rows[r.name] == expected


@pytest.mark.parametrize(
    ("results", "sentence"),
    [
        (results_of([item(0)], [], n_pending=1, is_ready=False), "Reviewers can begin once all articles are analyzed."),
        (results_of([item(0)], []), "Nobody has begun yet."),
        (results_of([item(0)], [reviewer(1)]), "1 reviewer began, and nobody has answered yet."),
        (results_of([item(0)], [reviewer(1, {0: "fake"})]), "1 reviewer gave 1 answer on 1 article."),
        (
            results_of([item(0, "fake")], [reviewer(1, {0: "fake"})]),
            "1 reviewer gave 1 answer on 1 article: this one matched the label.",
        ),
        (
            results_of([item(0, "fake")], [reviewer(1, [Answer(0, "real", after="real")])]),
            "this one did not match the label and kept one verdict after seeing the models.",
        ),
        (
            results_of([item(0, "fake")], [reviewer(1, [Answer(0, "real", after="fake")])]),
            "this one did not match the label and changed one verdict after seeing the models.",
        ),
        (
            results_of([item(0, "fake")], [reviewer(i, [Answer(0, "real", after="real")]) for i in (1, 2)]),
            "matched the label in none of 2 verdicts and changed none of 2 verdicts after seeing the models.",
        ),
        (
            results_of([item(0), item(1)], [reviewer(i, {0: "fake", 1: "real"}) for i in (1, 2)]),
            "2 reviewers gave 4 answers on 2 articles: they agree well (α 1.00).",
        ),
    ],
)
def test_one_sentence_says_what_came_out(results: Results, sentence: str) -> None:
    assert sentence in words(page_of(results)) and sentence in words(report_of(results))


def test_the_table_of_pairs_is_left_out_where_none_is_defined() -> None:
    answers = {0: "fake", 1: "real"}
    alone = results_of([item(0, tfidf="fake")], [reviewer(1, {0: "fake"})])
    both = results_of([item(0), item(1)], [reviewer(i, answers) for i in (1, 2)])
    assert '<table class="fn-res-grid"' not in report_of(alone) and '<table class="fn-res-grid"' in report_of(both)


def test_progress_and_problems_are_told() -> None:
    items = [item(0, tfidf="fake"), item(1), item(2)]
    text = words(page_of(results_of(items, [], n_pending=1, is_ready=False)))
    assert "2 of 3 analyses are ready" in text and "Cancel" in text and "too short" in text


def hostile(payload: str) -> Results:
    items = [Item(0, "fake", payload, payload, payload, (ModelAnswer("m", payload, 0.5, "fake"),)), item(1)]
    broken = Item(2, None, "", "", payload, (), payload)
    answers = [Answer(0, "fake", 1, 2.0, "real", (), payload), Answer(1, "real")]
    people = [reviewer(1, answers, payload), reviewer(2, answers, payload)]
    return results_of([*items, broken], people, title=payload, instructions=payload, n_pending=1)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_was_written_becomes_markup(payload: str) -> None:
    plain, found = hostile("x"), hostile(payload)
    for draw in (report_of, page_of):
        tags = [re.findall(r"<[a-z/!][a-z0-9]*", draw(results)) for results in (plain, found)]
        assert tags[0] == tags[1]


@pytest.mark.slow
@pytest.mark.browser
def test_nothing_that_was_written_executes(browser: Any) -> None:
    page = browser.new_page()
    for payload in PAYLOADS:
        document = report_of(hostile(payload)).replace("default-src 'none'", "default-src * 'unsafe-inline'")
        check(page, "report of a review set", document)
    page.close()


@pytest.mark.browser
@pytest.mark.skipif(not AXE, reason="FAKENEWS_AXE names no axe.min.js")
@AT_BOTH_SIZES
def test_no_rule_is_broken_and_nothing_is_wider_than_the_screen(browser: Any, size: dict[str, int]) -> None:
    context = browser.new_context(viewport=size, reduced_motion="reduce", bypass_csp=True)
    page = context.new_page()
    pages = {
        "answered": page_of(random_results(0)),
        "report": report_of(random_results(0, blind=False)),
        "waiting": page_of(results_of([item(0), item(1)], [], n_pending=1, is_ready=False)),
        "hostile": report_of(hostile("Ein" + "sehr" * 14)),
    }
    for name, document in pages.items():
        page.set_content(document)
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    context.close()
