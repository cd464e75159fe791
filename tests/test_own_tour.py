"""A model that a visitor brought, in a real browser: chosen, explained on the very characters, shared, then removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from fakenews.cli import app
from tests.explain.toys import FAKE_WORD, planted_corpus, small_tfidf, trainer_run
from tests.running import WAIT, running
from tests.test_share_tour import DRAWN, NUMBERS, Demo

pytestmark = pytest.mark.browser

TITLE = "The mayor\u2019s \u201cnew\u201d caf\u00e9"
# Words, and what lies between them: characters outside the first plane, marks that combine, quotes that curl.
PARTS = [
    ("The", " "), ("mayor\u2019s", " \u201c"), ("na\u00efve", "\u201d \U0001f98e\U0001f3fd "), ("plan", " "),
    ("for", " "), ("the", " \U0001f469\u200d\U0001f680 \u2018"), (FAKE_WORD, "\u2019\u2026 "), ("couldn\u2019t", " "),
    ("report", " \u2014 "), ("cafe\u0301", " "), ("on", " "), ("the", " "), ("\u00c5ngstr\u00f6m", " "), ("road", "."),
]  # fmt: skip
BODY = "\n\n".join(["".join(word + gap for word, gap in PARTS)] * 3)
WORDS = ["The", "mayor\u2019s", "new", "caf\u00e9", *[word for word, _ in PARTS] * 3]
# Every word that can be picked: its place, what it shows, its weight and its rank.
KEYS = """() => [...document.querySelectorAll('#fn-highlight [data-key]')].map(
  e => [e.dataset.key, e.textContent, Number(e.dataset.w), Number(e.dataset.rank)])"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts, labels = planted_corpus(120, (40, 60))
    path = tmp_path_factory.mktemp("tables") / "planted.csv"
    pd.DataFrame({"text": texts, "label": labels}).to_csv(path, index=False)
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    small_tfidf().calibrate(*planted_corpus()).save(tmp_path / "models" / "tfidf")
    return tmp_path / "models"


@pytest.fixture
def run(models: Path) -> Callable[..., None]:
    def invoke(*arguments: object) -> None:
        environment = {"FAKENEWS_MODELS": str(models), "FAKENEWS_DEVICE": "cpu", "FAKENEWS_DATA": ""}
        result = CliRunner().invoke(app, [str(a) for a in arguments], env=environment)
        assert result.exit_code == 0, result.output

    return invoke


def paste(page: Any) -> None:
    page.wait_for_selector("#fn-body textarea", timeout=WAIT)
    page.fill("#fn-title textarea, #fn-title input", TITLE)
    page.fill("#fn-body textarea", BODY)
    page.click("#fn-analyse")
    page.wait_for_selector("#fn-status .fn-badge", timeout=WAIT)


def rows(page: Any) -> list[str]:
    found: list[str] = page.evaluate("[...document.querySelectorAll('#fn-result .fn-row')].map(e => e.dataset.model)")
    return found


def test_an_added_model_is_chosen_explained_and_shared_and_its_link_outlives_it(
    browser: Any, run: Callable[..., None], models: Path, table: Path, tmp_path: Path
) -> None:
    run("add", "mine", "--from", trainer_run(tmp_path / "run"), "--calibrate", table, "--title", "My own")
    demo = Demo(browser, tmp_path, {"FAKENEWS_MODELS": str(models), "FAKENEWS_DEVICE": "cpu", "FAKENEWS_SHOW": "tfidf"})
    with demo.page() as page:
        paste(page)
        assert rows(page) == ["tfidf"]
        page.click("#fn-models-open")
        page.click("#fn-models label:has-text('My own')")
        page.wait_for_selector(".fn-row[data-model=mine]", timeout=WAIT)
        page.click("#fn-models label:has-text('TF-IDF')")
        page.wait_for_selector(".fn-row[data-model=tfidf]", state="detached", timeout=WAIT)
        page.wait_for_selector("#fn-status .fn-badge", timeout=WAIT)
        page.click("#fn-method label:has-text('SHAP')")
        page.wait_for_selector("#fn-status .fn-grade[data-method='SHAP'] .fn-badge", timeout=WAIT)
        drawn, numbers = page.evaluate(DRAWN, "#fn-highlight"), page.evaluate(NUMBERS, "#fn-result")
        text, keys = drawn[0], page.evaluate(KEYS)
        for key, shown, _, _ in keys:
            start, end = map(int, key.split("-"))
            assert text[start:end] == shown
        assert [shown for _, shown, _, _ in keys] == WORDS
        planted = [(weight, rank) for _, shown, weight, rank in keys if shown == FAKE_WORD]
        assert all(weight > 0 for weight, _ in planted) and min(rank for _, rank in planted) <= 3, keys
        marked = {shown for shown, *_ in drawn[1]}
        assert FAKE_WORD in marked <= set(WORDS)
        page.click("#fn-share-open")
        page.click("#fn-make-link")
        page.wait_for_selector("#fn-link", timeout=WAIT)
        link = page.input_value("#fn-link")
    run("remove", "mine")
    with demo.page(link) as page:
        page.wait_for_selector("#fn-shared-text mark", timeout=WAIT)
        assert page.evaluate(DRAWN, "#fn-shared-text") == drawn
        assert page.evaluate(NUMBERS, "#fn-shared-cards") == numbers
        told = page.locator("#fn-shared-head").inner_text()
        assert "My own is not among today's models" in told


def test_a_model_that_is_added_while_the_page_is_served_is_offered_and_one_that_is_removed_is_not(
    browser: Any, run: Callable[..., None], models: Path, tmp_path: Path
) -> None:
    source = trainer_run(tmp_path / "run")
    run("add", "other", "--from", source, "--fake", "1", "--title", "Another")
    settings = {"FAKENEWS_MODELS": str(models), "FAKENEWS_DEVICE": "cpu", "FAKENEWS_SHOW": "tfidf"}
    with running(tmp_path, **settings) as address:
        run("add", "mine", "--from", source, "--fake", "1", "--title", "My own")
        run("remove", "other")
        context = browser.new_context(viewport={"width": 1360, "height": 1000})
        page = context.new_page()
        page.goto(f"{address}/?m=mine")
        paste(page)
        page.click("#fn-models-open")
        page.wait_for_selector("#fn-models label:has-text('My own') input:checked", timeout=WAIT)
        assert page.locator("#fn-models label").all_inner_texts() == ["TF-IDF", "My own"]
        assert page.locator("#fn-models input:checked").count() == 1  # as the link says
        page.click("#fn-models label:has-text('TF-IDF')")
        page.wait_for_selector(".fn-row[data-model=tfidf]", timeout=WAIT)
        page.wait_for_selector(".fn-row[data-model=mine]", timeout=WAIT)
        page.click("#fn-view label:has-text('My own')")
        page.wait_for_selector("#fn-status:has-text('My own')", state="attached", timeout=WAIT)
        assert page.url.endswith("?m=mine%2Ctfidf")
        run("remove", "mine")  # it is in memory, and goes on answering until the server ends
        page.goto(address)
        paste(page)
        assert sorted(rows(page)) == ["mine", "tfidf"]  # as this browser remembers
        context.close()
