"""The owner of a review set in a real browser: progress, closing, keeping, files, deleting, and a link that fails."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import WAIT, running
from tests.test_axe import AT_BOTH_SIZES, AXE, violations
from tests.test_set_tour import API, ask, made, profile

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server"), FAKENEWS_RATE="0") as found:
        yield found


def answered(address: str, n: int = 3) -> dict[str, str]:
    """Make a set that Ada and Ben have answered."""
    link = made(address, n)
    for name, verdicts in (("Ada", ("fake", "real", "fake")), ("Ben", ("fake", "fake", "cannot_judge"))):
        key = ask(address, f"{API}/{link['id']}/reviewers", {"name": name})["reviewer"]
        for number, verdict in enumerate(verdicts):
            said = {"verdict": verdict, "confidence": 4, "seconds": 40, "spans": [], "comment": ""}
            place = f"{API}/{link['id']}/answers/{number}"
            ask(address, place, said, "PUT", key)
            later = {**said, "after": "fake", "spans": [[0, 9]], "comment": f"{name} says why."}
            ask(address, place, later, "PUT", key)
    return link


def place(link: dict[str, str]) -> str:
    return f"/?s={link['id']}&o={link['owner']}"


def said(page: Any, sentence: str) -> None:
    page.wait_for_function(
        "text => document.getElementById('fn-res-said')?.textContent === text", arg=sentence, timeout=WAIT
    )


def test_the_owner_reads_closes_keeps_and_takes_the_results(browser: Any, address: str, tmp_path: Path) -> None:
    link = answered(address)
    with profile(browser, address) as page:
        page.goto(place(link))
        assert "2 reviewers gave 6 answers on 3 articles" in page.locator(".fn-res-outcome").inner_text()
        assert page.input_value("#fn-res-link") == link["link"]
        assert page.input_value("#fn-res-own") == f"{address}{place(link)}" == link["owner_link"]
        page.click("text=Close")
        said(page, "The set is closed: it takes no more answers.")
        assert ask(address, f"{API}/{link['id']}")["closed"]
        page.click("text=Reopen")
        said(page, "The set takes answers again.")
        assert not ask(address, f"{API}/{link['id']}")["closed"]
        before = ask(address, f"{API}/{link['id']}")["expires"]
        page.select_option("#fn-res-days", "7")
        page.click("#fn-res-extend")
        said(page, "The set is kept for 7 days from now.")
        assert ask(address, f"{API}/{link['id']}")["expires"] < before
        for kind in ("csv", "jsonl", "html"):
            with page.expect_download() as download:
                page.click(f"[data-export={kind}]")
            assert download.value.suggested_filename == f"fakenews-which-would-you-run.{kind}"
            download.value.save_as(tmp_path / f"results.{kind}")
    kinds = ("csv", "jsonl", "html")
    table, lines, report = ((tmp_path / f"results.{kind}").read_text(encoding="utf-8") for kind in kinds)
    assert [row["name"] for row in csv.DictReader(io.StringIO(table))] == ["Ada"] * 3 + ["Ben"] * 3
    assert len(lines.splitlines()) == 6
    assert "Ada says why." in report and "<button" not in report and "<script" not in report


def test_a_number_in_the_matrix_opens_its_article(browser: Any, address: str) -> None:
    link = answered(address)
    with profile(browser, address) as page:
        page.goto(place(link))
        page.click(".fn-res-matrix thead a >> nth=1")
        page.wait_for_selector("#article-2:visible")
        assert "Ben says why." in page.locator("#article-2").inner_text()


def test_one_reviewer_and_then_the_set_are_deleted_by_the_keyboard_alone(browser: Any, address: str) -> None:
    link = answered(address)
    with profile(browser, address) as page:
        page.goto(place(link))
        assert page.is_disabled("#fn-res-forget") and page.is_disabled("#fn-res-delete")
        page.select_option("#fn-res-reviewer", label="Ada, 3 answers")
        page.focus("[data-for=fn-res-forget]")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        said(page, "Deleted: Ada, 3 answers.")
        assert "1 reviewer gave 3 answers" in page.locator(".fn-res-outcome").inner_text()
        page.focus("[data-for=fn-res-delete]")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("h1:text('Deleted')", timeout=WAIT)
        assert page.evaluate("document.activeElement.tagName") == "H1"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(address, f"{API}/{link['id']}")


def test_the_page_follows_the_analyses_and_is_drawn_anew_when_they_are_ready(browser: Any, address: str) -> None:
    text = "The people in the city said that the council met on Tuesday to talk about the bridge. " * 60
    articles = [{"title": f"Article {i}", "text": text} for i in range(12)]
    link = ask(address, API, {"title": "A dozen", "articles": articles})
    with profile(browser, address) as page:
        page.goto(place(link))
        assert "of 12 analyses are ready" in page.locator("#fn-res-ready").inner_text()
        page.wait_for_selector("#fn-res-progress", state="detached", timeout=WAIT)
        assert page.locator(".fn-res-outcome").inner_text() == "Nobody has begun yet."


def test_cancel_asks_and_deletes(browser: Any, address: str) -> None:
    text = "The people in the city said that the council met on Tuesday to talk about the bridge. " * 60
    articles = [{"title": f"Article {i}", "text": text} for i in range(40)]
    link = ask(address, API, {"title": "Too many", "articles": articles})
    with profile(browser, address) as page:
        page.goto(place(link))
        page.once("dialog", lambda dialog: dialog.dismiss())
        page.click("#fn-res-cancel")
        assert ask(address, f"{API}/{link['id']}")["n_articles"] == 40
        page.once("dialog", lambda dialog: dialog.accept())
        page.click("#fn-res-cancel")
        page.wait_for_selector("h1:text('Deleted')", timeout=WAIT)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(address, f"{API}/{link['id']}")


def test_what_fails_is_said_in_a_sentence(browser: Any, address: str) -> None:
    link = answered(address)
    with profile(browser, address, quiet=False) as page:
        page.goto(place(link))
        page.context.set_offline(True)
        page.click("text=Close")
        page.wait_for_selector("#fn-res-trouble:visible")
        assert page.inner_text("#fn-res-trouble") == "The server cannot be reached just now: try again."
        page.context.set_offline(False)
        ask(address, f"{API}/{link['id']}", None, "DELETE", link["owner"])
        page.click("text=Close")
        page.wait_for_function(
            "() => document.getElementById('fn-res-trouble').textContent.includes('under this link')"
        )


def test_a_wrong_key_and_a_wrong_id_get_the_page_of_a_link_that_leads_nowhere(address: str) -> None:
    link, found = answered(address), []
    for wrong in (f"s={link['id']}&o={'x' * 43}", f"s={'x' * 22}&o={link['owner']}", f"s={'x' * 22}"):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(f"{address}/?{wrong}")
        found.append((error.value.code, error.value.read()))
    assert {code for code, _ in found} == {404} and len({content for _, content in found}) == 1


def test_results_in_json_hold_the_summary(address: str) -> None:
    link = answered(address)
    found = ask(address, f"{API}/{link['id']}/results", key=link["owner"])
    assert json.dumps(found) and found["summary"]["n_answers"] == 6


@pytest.mark.skipif(not AXE, reason="FAKENEWS_AXE names no axe.min.js")
@AT_BOTH_SIZES
def test_the_page_breaks_no_rule(browser: Any, address: str, size: dict[str, int]) -> None:
    link = answered(address)
    with profile(browser, address, viewport=size, bypass_csp=True) as page:
        page.goto(place(link))
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
