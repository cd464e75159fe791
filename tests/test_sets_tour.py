"""Review sets on the page, in a real browser: made in Dataset and Batch, cancelled, added to, listed under Reviews."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakenews.data.registry import load
from tests.running import WAIT, running

pytestmark = pytest.mark.browser

WORDS = "The council met on Tuesday to talk about the bridge, and asked who would pay for it. " * 3


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """Yield the page, loaded; afterwards no request has left the machine and nothing went wrong."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000}, base_url=address)
    opened = context.new_page()
    outside: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda r: outside.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None)
    opened.on("pageerror", lambda e: errors.append(str(e)))
    opened.goto("/")
    opened.wait_for_selector("#fn-body textarea", timeout=WAIT)
    yield opened
    context.close()
    assert outside == [] and errors == []


def tab(page: Any, name: str) -> None:
    page.click(f"button[role=tab]:has-text('{name}')")


def opened_panel(page: Any) -> None:
    tab(page, "Dataset")
    page.wait_for_selector("#fn-table input", timeout=WAIT)
    page.click("#fn-dataset-set-open")
    page.wait_for_selector("#fn-dataset-set-open[aria-expanded=true]")
    page.wait_for_function("document.querySelector('#fn-dataset-set-title input').value.startsWith('Demo articles, 2')")


def made(page: Any, panel: str = "dataset") -> tuple[str, str]:
    """Press Create, and return both links once they are there."""
    page.click(f"#fn-{panel}-set-create")
    page.wait_for_selector(f"#fn-{panel}-set-link", timeout=WAIT)
    return page.input_value(f"#fn-{panel}-set-link"), page.input_value(f"#fn-{panel}-set-owner")


def test_from_ticked_articles_to_a_set_that_is_ready(page: Any) -> None:
    opened_panel(page)
    assert page.locator("#fn-dataset-set-by input").input_value() == "All misclassified"
    assert not page.is_visible("#fn-dataset-set-n"), "all of them are asked for"
    for box in page.locator("#fn-table input").all()[:2]:
        box.check()
    page.wait_for_function("document.querySelector('#fn-dataset-set-by input').value === '2 ticked articles'")
    page.fill("#fn-dataset-set-title input", "Two & <b>two</b>")
    page.fill("#fn-dataset-set-instructions textarea", "Judge the style.")
    page.click("#fn-dataset-set-days label:has-text('7 days')")
    link, own = made(page)
    assert re.fullmatch(r"http://127.0.0.1:\d+/\?s=[\w-]{22}", link) and own.startswith(f"{link}&o=")
    page.wait_for_selector("#fn-dataset-set-status :text('2 articles ready')", timeout=WAIT)
    assert not page.is_visible("#fn-dataset-set-cancel")
    assert page.input_value("#fn-dataset-set-title input") == "Two & <b>two</b>", "the form is as it was"
    page.reload()
    tab(page, "Reviews")
    page.wait_for_selector("#fn-sets a", timeout=WAIT)
    assert page.locator("#fn-sets a").inner_text() == "Two & <b>two</b>"
    assert page.locator("#fn-sets a").get_attribute("href") == own
    row = page.locator("#fn-sets tbody tr").inner_text()
    assert "blind" in row and "takes answers" in row
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#fn-sets [data-copy]")
    page.wait_for_selector("#fn-sets :text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == link


def test_progress_is_shown_and_cancel_deletes(page: Any, address: str) -> None:
    opened_panel(page)
    link, _ = made(page)
    page.wait_for_selector("#fn-dataset-set-status progress", timeout=WAIT)
    told = "document.querySelector('#fn-dataset-set-status').innerText"
    page.wait_for_function(f"/[1-9]\\d* of \\d+ analyses are ready, about/.test({told})", timeout=WAIT)
    page.click("#fn-dataset-set-cancel")
    page.wait_for_selector("#fn-dataset-set-status :text('is deleted')", timeout=WAIT)
    assert not page.is_visible("#fn-dataset-set-link") and not page.is_visible("#fn-dataset-set-cancel")
    tab(page, "Reviews")
    page.wait_for_selector("#fn-sets :text('None yet')", timeout=WAIT)


def test_a_mistake_is_one_sentence_and_the_form_stays(page: Any) -> None:
    opened_panel(page)
    page.click("#fn-dataset-set-by input")
    page.click("[role=option]:has-text('Random sample')")
    page.fill("#fn-dataset-set-n input", "300")
    page.fill("#fn-dataset-set-instructions textarea", "Judge the style.")
    page.click("#fn-dataset-set-create")
    page.wait_for_selector("#fn-dataset-set-problem :text('from 1 to 200')", timeout=WAIT)
    assert page.input_value("#fn-dataset-set-instructions textarea") == "Judge the style."
    page.fill("#fn-dataset-set-n input", "1")
    made(page)
    assert not page.is_visible("#fn-dataset-set-problem [role=alert]")


def test_a_corpus_whose_text_is_not_here_says_so(page: Any) -> None:
    opened_panel(page)
    page.click("#fn-corpus input")
    page.click("[role=option]:has-text('ISOT')")
    page.wait_for_selector("#fn-dataset-set :text('cannot be made here')", timeout=WAIT)
    page.wait_for_selector("#fn-dataset-set-create:disabled")
    assert page.is_checked("#fn-dataset-set-ids input") and page.is_disabled("#fn-dataset-set-ids input")


def test_a_scored_table_becomes_a_set(page: Any, tmp_path: Path) -> None:
    with (path := tmp_path / "mine.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *((f"{i}. {WORDS}", i % 2) for i in range(3))])
    tab(page, "Batch")
    page.wait_for_selector("#fn-batch-start", timeout=WAIT)
    assert not page.is_visible("#fn-batch-set-open"), "there is nothing to make a set of"
    page.set_input_files("#fn-batch-file input[type=file]", path)
    page.wait_for_selector("#fn-batch-start:enabled", timeout=WAIT)
    page.click("#fn-batch-start")
    page.wait_for_selector("#fn-batch-download:visible", timeout=WAIT)
    page.click("#fn-batch-set-open")
    page.wait_for_function("document.querySelector('#fn-batch-set-title input').value.startsWith('mine, 2')")
    assert page.is_checked("#fn-batch-set-labels input")
    assert "0 is read as fake" in page.locator("#fn-batch-set-labels").inner_text()
    made(page, "batch")
    page.wait_for_selector("#fn-batch-set-status :text('3 articles ready')", timeout=WAIT)
    page.click("#fn-batch-clear")
    page.wait_for_selector("#fn-batch-set-open", state="hidden", timeout=WAIT)


def test_an_analyzed_article_is_added(page: Any) -> None:
    articles = load("demo")
    for i in range(2):
        if page.locator("#fn-edit").is_visible():
            page.click("#fn-edit")
        page.fill("#fn-body textarea", articles.iloc[i]["text"])
        page.click("#fn-analyse")
        begins = "begins => document.querySelector('#fn-highlight')?.innerText.trim().startsWith(begins)"
        page.wait_for_function(begins, arg=articles.iloc[i]["text"][:30], timeout=WAIT)
        if not page.is_visible("#fn-share"):
            page.click("#fn-share-open")
        if not page.is_visible("#fn-set-add"):
            page.click("#fn-add-set .label-wrap")
        if i == 0:
            page.fill("#fn-set-title input", "Doubtful ones")
        page.click("#fn-set-add")
        count = ("1 article", "2 articles")[i]
        page.wait_for_selector(f"#fn-shared-link :text('Added: {count} in “Doubtful ones”.')", timeout=WAIT)
        assert not page.is_visible("#fn-set-title"), "the next one goes there too"
    own = page.input_value("#fn-added-owner")
    tab(page, "Reviews")
    page.wait_for_selector("#fn-sets a", timeout=WAIT)
    assert page.locator("#fn-sets a").get_attribute("href") == own
