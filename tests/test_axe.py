"""No page breaks a rule of WCAG 2.0 to 2.2, A or AA, that axe-core can check: in light and dark, desktop and phone.

FAKENEWS_AXE names the file `axe.min.js` of the npm package axe-core, which is no part of the repository.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakenews.data.registry import load
from tests.running import WAIT, running

SHARES = "/api/v1/shares"
AXE = os.environ.get("FAKENEWS_AXE", "")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not AXE, reason="FAKENEWS_AXE names no axe.min.js")]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
RUN = """async ([rules, unfolded]) => {
  if (unfolded) for (const e of document.querySelectorAll('details')) e.open = true;
  const found = await axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']});
  return found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary}`));
}"""
DRAWN = """scheme => !document.querySelector('gradio-app')
  || document.body.classList.contains('dark') === (scheme === 'dark')"""
MOVING = """() => document.getAnimations().filter(a => a instanceof CSSTransition || a instanceof CSSAnimation)
  .map(a => `moves: ${a.effect.target.outerHTML.slice(0, 160)}`)"""
SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter(a => a.effect.getComputedTiming().endTime < Infinity).map(a => a.finished))"""
SIZES = [{"width": 1360, "height": 900}, {"width": 390, "height": 844}]
AT_BOTH_SIZES = pytest.mark.parametrize("size", SIZES, ids=["desktop", "phone"])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def links(address: str) -> dict[str, str]:
    """Return the links of an analysis that everybody sees, of one to be judged first, and of their owner."""

    def post(path: str, **body: Any) -> Any:
        request = urllib.request.Request(f"{address}{path}", json.dumps(body).encode())
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    article = load("demo").iloc[0]
    shared = post(SHARES, title=article["title"], text=article["text"])
    blind = post(SHARES, title=article["title"], text=article["text"], blind=True, owner=shared["owner"])
    review = {"verdict": "fake", "spans": [[0, 9]], "comment": "No source is named."}
    for name in ("Ada", "Bob"):
        post(f"{SHARES}/{shared['id']}/reviews", name=name, **review)
    return {"shared": f"/?a={shared['id']}", "blind": f"/?a={blind['id']}", "owner": f"/?o={shared['owner']}"}


@pytest.fixture(params=SIZES, ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(viewport=request.param, reduced_motion="reduce", base_url=address)
    opened = context.new_page()
    yield opened
    context.close()


def violations(page: Any, unfolded: bool = True) -> list[str]:
    """Return what breaks a rule on the page as it is now, in light and in dark, and what moves for whom nothing may."""
    page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(DRAWN, arg=scheme, timeout=WAIT)
        broken = page.evaluate(MOVING)
        page.evaluate(SETTLED)
        found += [f"{scheme}: {each}" for each in broken + page.evaluate(RUN, [RULES, unfolded])]
    return found


def analysed(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("#fn-body textarea", timeout=WAIT)
    page.fill("#fn-body textarea", load("demo").iloc[0]["text"])
    page.click("#fn-analyse")
    page.wait_for_selector("#fn-highlight mark", timeout=WAIT)
    page.wait_for_selector("#fn-status .fn-badge", timeout=WAIT)


def test_a_breach_is_found(page: Any) -> None:
    page.set_content("<html lang=en><title>A page</title><main><p style='color:#aaa;background:#fff'>Pale</p></main>")
    assert [breach.partition(":")[0] for breach in violations(page)] == ["light", "dark"]
    page.set_content(
        "<html lang=en><title>A page</title><style>p { color: #222; background: #fff }"
        "@media (prefers-color-scheme: dark) { p { background: #111 } }</style><main><p>Pale in the dark</p></main>"
    )
    (breach,) = violations(page)
    assert breach.startswith("dark: color-contrast")


def test_no_tab_breaks_a_rule(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("#fn-body textarea", timeout=WAIT)
    found = {"Analyse, empty": violations(page)}
    analysed(page)
    found["Analyse"] = violations(page)
    drawn = {
        "Dataset": "#fn-plot .js-plotly-plot", "Compare": "#fn-board table", "Batch": "#fn-batch-preview .fn-meta",
        "Reviews": "#fn-owned .fn-meta", "About": "#fn-about table",
    }  # fmt: skip
    for tab, selector in drawn.items():
        page.click(f"button[role=tab]:has-text('{tab}')")
        page.wait_for_selector(selector, timeout=WAIT)
        for group in page.locator("[data-group][aria-expanded=false]:visible").all():
            group.click()
        if page.locator("#fn-looked:visible").count():
            page.click("#fn-looked")
        for closed in page.locator(".label-wrap:visible:not(.open)").all():
            closed.click()
        found[tab] = violations(page)
    assert {tab: broken for tab, broken in found.items() if broken} == {}


def test_no_state_of_an_analysis_breaks_a_rule(page: Any) -> None:
    analysed(page)
    found = {}
    for panel in ("models", "share", "export"):
        page.click(f"#fn-{panel}-open")
        page.wait_for_selector(f"#fn-{panel}-open[aria-expanded=true]")
        found[panel] = violations(page, unfolded=False)
    page.click("#fn-share-open")
    page.click("#fn-make-link")
    page.wait_for_selector("#fn-link", timeout=WAIT)
    found["link"] = violations(page)
    page.click("#fn-add-set .label-wrap")
    page.fill("#fn-set-title input", "Doubtful ones")
    page.click("#fn-set-add")
    page.wait_for_selector("#fn-added-link", timeout=WAIT)
    found["added"] = violations(page)
    page.focus("#fn-highlight [tabindex='0']")
    page.wait_for_selector("#fn-tip:not([hidden])")
    found["tooltip"] = violations(page, unfolded=False)
    page.keyboard.press("Escape")
    page.click("#fn-view label >> nth=-1")
    page.wait_for_selector("#fn-top .fn-bar >> nth=1", timeout=WAIT)
    page.click("#fn-method label:has-text('Both')")
    page.wait_for_selector("#fn-top .fn-wordhead", timeout=WAIT)
    found["both methods"] = violations(page)
    page.click("#fn-whatif")
    page.click("#fn-highlight [data-key] >> nth=3")
    page.wait_for_selector("#fn-highlight .fn-gone", timeout=WAIT)
    page.wait_for_selector("#fn-result .fn-scale s", timeout=WAIT)
    found["what if"] = violations(page, unfolded=False)
    page.click("#fn-whatif-done")
    page.click("#fn-edit")
    page.wait_for_selector("#fn-body textarea")
    page.fill("#fn-body textarea", "Another text.")
    page.wait_for_selector("#fn-changed [role=status]:not(:empty)")
    found["edit"] = violations(page)
    page.fill("#fn-body textarea", "")
    page.click("#fn-analyse")
    page.wait_for_selector(".fn-problem:visible", timeout=WAIT)
    found["problem"] = violations(page)
    assert {state: broken for state, broken in found.items() if broken} == {}


def test_no_way_to_a_review_set_breaks_a_rule(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("#fn-body textarea", timeout=WAIT)
    page.click("button[role=tab]:has-text('Dataset')")
    page.wait_for_selector("#fn-table input", timeout=WAIT)
    page.check("#fn-table input >> nth=0")
    page.click("#fn-dataset-set-open")
    page.wait_for_function("document.querySelector('#fn-dataset-set-by input').value === '1 ticked article'")
    found = {"ticked": violations(page)}
    page.click("#fn-dataset-set-by input")
    page.click("[role=option]:has-text('Balanced by class')")
    page.wait_for_selector("#fn-dataset-set-n input", timeout=WAIT)
    page.fill("#fn-dataset-set-n input", "0")
    page.click("#fn-dataset-set-create")
    page.wait_for_selector("#fn-dataset-set-problem [role=alert]", timeout=WAIT)
    found["problem"] = violations(page)
    page.fill("#fn-dataset-set-n input", "30")
    page.click("#fn-dataset-set-create")
    page.wait_for_selector("#fn-dataset-set-status progress", timeout=WAIT)
    found["being prepared"] = violations(page)
    page.click("button[role=tab]:has-text('Reviews')")
    page.wait_for_selector("#fn-sets a", timeout=WAIT)
    found["listed"] = violations(page)
    page.click("button[role=tab]:has-text('Dataset')")
    page.click("#fn-dataset-set-cancel")
    page.wait_for_selector("#fn-dataset-set-status :text('is deleted')", timeout=WAIT)
    found["cancelled"] = violations(page)
    assert {state: broken for state, broken in found.items() if broken} == {}


def test_neither_shared_page_nor_the_owners_breaks_a_rule(page: Any, links: dict[str, str]) -> None:
    found = {}
    for name, selector in (("shared", "#fn-shared-text mark"), ("blind", "#fn-begin"), ("owner", "#fn-owned table")):
        page.goto(links[name])
        page.wait_for_selector(selector, timeout=WAIT)
        found[name] = violations(page)
    page.goto(links["shared"])
    page.wait_for_selector("#fn-send", timeout=WAIT)
    page.fill("#fn-name input, #fn-name textarea", "Eve")
    page.click("#fn-verdict label >> nth=0")
    page.click("#fn-send")
    page.wait_for_selector("#fn-review-said [role=status]", timeout=WAIT)
    found["thanks"] = violations(page)
    assert {name: broken for name, broken in found.items() if broken} == {}
