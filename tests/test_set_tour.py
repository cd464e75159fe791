"""A review set in a real browser: three reviewers, a phone, a lost connection, the keyboard alone, and axe's rules."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from fakenews.data.registry import load
from tests.running import WAIT, running
from tests.test_axe import AT_BOTH_SIZES, AXE, violations
from tests.test_hostile import PAYLOADS

pytestmark = pytest.mark.browser

API = "/api/v1/review-sets"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
FAKE, REAL = "button[data-verdict=fake]", "button[data-verdict=real]"
ANSWERED = "#fn-set-answer .fn-answer"
# Selects from the start of one highlighted word to the end of another.
SELECT = """([from, to]) => {
  const marks = document.querySelectorAll('#fn-set-text mark'), range = document.createRange();
  range.setStartBefore(marks[from]); range.setEndAfter(marks[to]);
  getSelection().removeAllRanges(); getSelection().addRange(range);
  return range.toString();
}"""
FOCUSED = "what => document.activeElement.matches(what)"
STATE = "what => document.getElementById('fn-set-state').textContent.startsWith(what)"
SHOWN = "n => document.getElementById('fn-set-where').textContent.startsWith(n + ' of')"
SENT = """() => Object.entries(localStorage).every(([name, kept]) =>
  !name.startsWith('fakenews-set-') || !JSON.parse(kept).unsent.length)"""
HEADING = "() => document.querySelector('.fn-set-article .fn-title').textContent"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server"), FAKENEWS_RATE="0") as found:
        yield found


def ask(address: str, path: str, body: Any = None, method: str | None = None, key: str = "") -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}{path}", data, method=method)
    request.add_header("content-type", "application/json")
    request.add_header("authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def made(address: str, n: int = 3, *, wait: bool = True, **settings: Any) -> dict[str, str]:
    """Make a set of articles of the demo, and wait until reviewers can begin."""
    articles = [{"title": a.title, "text": a.text} for a in load("demo").head(n).itertuples()]
    body = {"title": "Which would you run?", "instructions": "Read it.\nThen judge.", "articles": articles}
    link: dict[str, str] = ask(address, API, {**body, **settings})
    while wait and ask(address, f"{API}/{link['id']}")["n_pending"]:
        time.sleep(0.2)
    return link


def answers(address: str, link: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Return what is stored, by the names of the reviewers."""
    found = ask(address, f"{API}/{link['id']}/results", key=link["owner"])
    return {reviewer["name"]: reviewer["answers"] for reviewer in found["reviewers"]}


@contextmanager
def profile(browser: Any, address: str, *, quiet: bool = True, **settings: Any) -> Iterator[Any]:
    """Open a page in a fresh profile; nothing is asked of others, and nothing goes wrong."""
    context = browser.new_context(**{"viewport": {"width": 1360, "height": 900}, "base_url": address, **settings})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text) if quiet and m.type in ("error", "warning") else None)
    page.on("request", lambda r: None if r.url.startswith((address, "data:")) else wrong.append(r.url))
    yield page
    context.close()
    assert wrong == []


def begin(page: Any, link: dict[str, str], name: str) -> None:
    page.goto(f"/?s={link['id']}")
    page.fill("#fn-set-name", name)
    page.click("#fn-set-begin")
    page.wait_for_selector("#fn-set-unread .fn-text, #fn-set-text .fn-text", timeout=WAIT)


def test_three_reviewers_one_on_a_phone_one_who_comes_back(browser: Any, address: str) -> None:
    link = made(address)

    # Ada answers all articles, changes her mind once, marks words and comments.
    with profile(browser, address, permissions=["clipboard-read", "clipboard-write"]) as page:
        begin(page, link, "Ada")
        assert page.locator(ANSWERED).count() == 0 and page.locator("mark:visible").count() == 0
        for n in range(3):
            page.wait_for_function(SHOWN, arg=n + 1)
            page.click(FAKE)
            page.click("button[data-sure='4']")
            page.wait_for_selector(ANSWERED, timeout=WAIT)
            if not n:
                page.click("button[data-after=real]")
                quote = page.evaluate(SELECT, [0, 2])
                page.click("#fn-mark")
                page.wait_for_selector("#fn-marks li")
                page.evaluate(SELECT, [4, 4])
                page.keyboard.press("m")
                page.wait_for_selector("#fn-marks li >> nth=1")
                page.click("#fn-marks li >> nth=1 >> button")
                page.fill("#fn-set-comment", "No source is named.")
            page.click("#fn-set-next")
        page.wait_for_selector("#fn-set-sum:text('Thank you')")
        page.click("#fn-set-done button >> nth=0")
        page.wait_for_selector(ANSWERED)
        assert page.input_value("#fn-set-comment") == "No source is named."
        page.click("#fn-marks li button")
        page.wait_for_function("() => !document.querySelector('#fn-marks li')")
        page.evaluate(SELECT, [0, 2])
        page.click("#fn-mark")
        page.click("#fn-set-text mark >> nth=1")  # a click on a marked stretch takes the mark away
        page.wait_for_function("() => !document.querySelector('#fn-marks li')")
        page.evaluate(SELECT, [0, 2])
        page.click("#fn-mark")
        page.wait_for_function(STATE, arg="Saved")
        page.click("#fn-set-copy")
        page.wait_for_selector("#fn-set-copy:text('Copied')")
        personal = page.evaluate("navigator.clipboard.readText()")
        assert personal.startswith(f"{address}/?s={link['id']}#") and len(personal.partition("#")[2]) == 22
    first, second, third = sorted(answers(address, link)["Ada"], key=lambda a: a["saved"] * bool(a["comment"]))[::-1]
    assert (first["verdict"], first["confidence"], first["after"]) == ("fake", 4, "real")
    assert first["comment"] == "No source is named." and 0 < first["seconds"] < 60
    article = load("demo").iloc[first["number"]]
    text = f"{article['title']}\n\n{article['text']}"
    assert [text[start:end] for start, end in first["spans"]] == [quote]
    assert second["after"] == third["after"] == "fake"

    # Bob answers on a phone, leaves, and goes on elsewhere by the personal link.
    with profile(browser, address, **PHONE) as page:
        begin(page, link, "Bob")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.tap(REAL)
        page.tap("button[data-sure='2']")
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.tap("button[data-after='']")
        page.wait_for_function(STATE, arg="Saved")
        page.reload()
        page.wait_for_function(SHOWN, arg=2)
        page.wait_for_selector(".fn-set-article .fn-title", timeout=WAIT)
        heading = page.evaluate(HEADING)
        (kept,) = page.evaluate("Object.entries(localStorage).filter(([name]) => name.startsWith('fakenews-set'))")
        key = json.loads(kept[1])["key"]
    with profile(browser, address) as page:
        page.goto(f"/?s={link['id']}#{key}")
        page.wait_for_function(SHOWN, arg=2)
        assert page.url == f"{address}/?s={link['id']}"
        page.wait_for_selector(".fn-set-article .fn-title", timeout=WAIT)
        assert page.evaluate(HEADING) == heading
        assert page.locator("#fn-set-who").inner_text() == "Bob"

    # Eve opens it and leaves without an answer.
    with profile(browser, address) as page:
        begin(page, link, "Eve")
    found = answers(address, link)
    assert {name: len(said) for name, said in found.items()} == {"Ada": 3, "Bob": 1, "Eve": 0}
    assert (found["Bob"][0]["verdict"], found["Bob"][0]["after"]) == ("real", "real")


def test_answers_without_a_connection_arrive_once_it_is_back(browser: Any, address: str) -> None:
    link = made(address, n=4)
    with profile(browser, address, quiet=False) as page:
        begin(page, link, "Ada")
        page.wait_for_load_state("networkidle")
        stored: list[str] = []
        page.on("response", lambda a: stored.append(a.url) if a.request.method == "PUT" and a.ok else None)
        page.context.set_offline(True)
        for n, verdict in ((1, FAKE), (2, REAL)):
            page.wait_for_function(SHOWN, arg=n)
            page.wait_for_selector("#fn-set-unread .fn-text")
            page.click(verdict)
            page.click("button[data-sure='3']")
            page.wait_for_function(STATE, arg="Kept on this device")
            page.wait_for_selector("#fn-set-waiting:visible")
            assert page.locator(ANSWERED).count() == 0
            page.fill("#fn-set-comment", f"Article {n}")
            page.click("#fn-set-next")
        assert answers(address, link) == {"Ada": []}
        page.context.set_offline(False)
        page.wait_for_function(STATE, arg="Saved", timeout=WAIT)
        assert len(stored) == len(set(stored)) == 2
        page.click("#fn-set-back")
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        said = answers(address, link)["Ada"]
        assert sorted((a["verdict"], a["comment"]) for a in said) == [("fake", "Article 1"), ("real", "Article 2")]

        # What could not be sent before the page was closed is sent at the next visit.
        page.click("#fn-set-next")
        page.context.set_offline(True)
        page.click(FAKE)
        page.click("button[data-sure='1']")
        page.wait_for_function(STATE, arg="Kept on this device")
        page.goto("about:blank")
        page.context.set_offline(False)
        page.goto(f"/?s={link['id']}")
        page.wait_for_function(SHOWN, arg=4)
        page.wait_for_function(STATE, arg="Saved")
        assert len(answers(address, link)["Ada"]) == 3


def test_a_review_with_the_keyboard_alone(browser: Any, address: str) -> None:
    link = made(address)
    with profile(browser, address) as page:
        page.goto(f"/?s={link['id']}")
        page.focus("#fn-set-name")
        page.keyboard.type("Ada")
        page.keyboard.press("Enter")
        page.wait_for_function(FOCUSED, arg="#fn-set-heading", timeout=WAIT)
        page.keyboard.press("?")
        page.keyboard.press("2")
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        page.keyboard.press("r")
        page.focus("#fn-set-text .fn-text")
        for key in ("Control+Home", "Shift+ArrowRight", "Shift+ArrowRight", "m"):
            page.keyboard.press(key)
        page.wait_for_selector("#fn-marks q")
        page.focus("#fn-set-comment")
        page.keyboard.type("for 3 reasons?")
        page.keyboard.press("Tab")
        page.wait_for_function(STATE, arg="Saved")
        page.focus("#fn-set-heading")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(SHOWN, arg=2)
        page.keyboard.press("f")
        page.keyboard.press("5")
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        page.keyboard.press("Enter")
        page.wait_for_selector("button[data-after=''][aria-pressed=true]")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(SHOWN, arg=1)
        page.wait_for_function(SENT)
        page.uncheck("#fn-set-keys")
        page.focus("#fn-set-heading")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(200)
        assert page.evaluate(SHOWN, 1), "whoever speaks to the computer can turn the keys off"
    first, second = sorted(answers(address, link)["Ada"], key=lambda a: -len(a["comment"]))
    assert (first["verdict"], first["confidence"], first["after"]) == ("cannot_judge", 2, "real")
    assert (first["spans"], first["comment"]) == ([[0, 2]], "for 3 reasons?")
    assert (second["verdict"], second["confidence"], second["after"]) == ("fake", 5, "fake")


def test_an_open_set_shows_the_models_at_once_and_takes_changes(browser: Any, address: str) -> None:
    link = made(address, n=2, blind=False)
    with profile(browser, address) as page:
        begin(page, link, "Ada")
        page.wait_for_selector(ANSWERED)
        quote = page.evaluate(SELECT, [0, 0])
        page.click("#fn-mark")
        page.wait_for_selector("#fn-marks q")
        page.reload()
        page.wait_for_selector("#fn-marks q", timeout=WAIT)
        assert page.locator("#fn-marks q").inner_text() == quote.strip()
        page.click(FAKE)
        page.click("button[data-sure='2']")
        page.click(REAL)
        page.click("#fn-set-models label >> nth=1")
        page.wait_for_selector("#fn-set-models label.selected >> nth=0")
        page.wait_for_function(STATE, arg="Saved")
    (said,) = answers(address, link)["Ada"]
    assert (said["verdict"], said["confidence"], len(said["spans"])) == ("real", 2, 1)


def test_a_set_being_prepared_and_a_storage_that_rests_are_waited_for(browser: Any, address: str) -> None:
    articles = [{"title": a.title, "text": a.text} for a in load("demo").head(6).itertuples()]
    link = ask(address, API, {"title": "Soon", "articles": articles})
    with profile(browser, address, quiet=False) as page:
        page.goto(f"/?s={link['id']}")
        page.wait_for_selector("h2:text('Being prepared')")
        page.wait_for_selector("#fn-set-ready:has-text('of 6 articles are ready')")
        page.wait_for_selector("#fn-set-name", timeout=WAIT)
        begin(page, link, "Ada")
        told = {"error": "The storage does not answer just now: try again."}
        page.route("**/reviewer", lambda route: route.fulfill(status=503, json=told))
        page.reload()
        page.wait_for_selector("#fn-set-trouble:has-text('The storage does not answer')")
        page.unroute("**/reviewer")
        page.wait_for_selector(".fn-set-article .fn-title", timeout=WAIT)
        assert page.locator("#fn-set-trouble").is_hidden()


def test_closed_and_deleted_answers_are_told(browser: Any, address: str) -> None:
    link = made(address)
    place = f"{API}/{link['id']}"
    with profile(browser, address, quiet=False) as page:
        begin(page, link, "Ada")
        ask(address, f"{place}/state", {"closed": True}, key=link["owner"])
        page.click(FAKE)
        page.click("button[data-sure='2']")
        page.wait_for_selector("#fn-set-refused:has-text('This review set is closed')", timeout=WAIT)
        assert page.locator(".fn-set-article .fn-text").is_visible() and page.locator(FAKE).is_disabled()
        with profile(browser, address) as other:
            other.goto(f"/?s={link['id']}")
            other.wait_for_selector("h2:text('Closed')")
        ask(address, f"{place}/state", {"closed": False}, key=link["owner"])
        ask(address, f"{place}/reviewers/1", method="DELETE", key=link["owner"])
        page.reload()
        page.click("#fn-set-anew")
        page.fill("#fn-set-name", "Ada")
        page.click("#fn-set-begin")
        page.wait_for_selector("#fn-set-unread .fn-text", timeout=WAIT)
        page.wait_for_load_state("networkidle")  # whichever request comes next finds the set deleted
        ask(address, place, method="DELETE", key=link["owner"])
        page.click(FAKE)
        page.click("button[data-sure='2']")
        page.wait_for_selector("h2:text('Nothing here')", timeout=WAIT)
        assert page.goto(f"/?s={link['id']}").status == 404


def test_nothing_that_a_visitor_writes_is_run(browser: Any, address: str) -> None:
    everything = " ".join(p.replace("\x00", "") for p in PAYLOADS)
    words = " The people in the city said that the council met on Tuesday to talk about the bridge. " * 4
    articles = [{"title": PAYLOADS[0], "text": f"{everything}{words * n}"} for n in (1, 2)]
    link = made(address, title=PAYLOADS[0], instructions=everything[:3900], articles=articles, blind=False)
    with profile(browser, address) as page:
        begin(page, link, PAYLOADS[0])
        page.click("#fn-set-guide summary")
        page.evaluate("window.fakenews.selection = () => '0-400'")
        page.keyboard.press("m")
        page.wait_for_selector("#fn-marks q")
        page.fill("#fn-set-comment", everything[:1900])
        page.click(FAKE)
        page.wait_for_function(STATE, arg="Saved")
        page.reload()
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        page.click("#fn-set-back")
        page.wait_for_selector("#fn-marks q")
        assert page.locator("h1").inner_text() == page.locator("#fn-set-who").inner_text() == PAYLOADS[0]
        assert page.evaluate("window.hit") is None
        assert page.locator("main img, main svg, main iframe").count() == 0


@pytest.mark.skipif(not AXE, reason="FAKENEWS_AXE names no axe.min.js")
@AT_BOTH_SIZES
def test_no_state_breaks_a_rule(browser: Any, address: str, size: dict[str, int]) -> None:
    link, opened, found = made(address, n=2), made(address, n=1, blind=False), {}
    prepared = made(address, n=60, wait=False)
    with profile(browser, address, bypass_csp=True, quiet=False, viewport=size, reduced_motion="reduce") as page:
        page.goto(f"/?s={prepared['id']}")
        page.wait_for_selector("#fn-set-preparing", timeout=WAIT)
        found["preparing"] = violations(page)
        page.goto(f"/?s={prepared['id']}&o={prepared['owner']}")
        found["preparing, its owner"] = violations(page)
        ask(address, f"{API}/{prepared['id']}", method="DELETE", key=prepared["owner"])
        page.goto(f"/?s={link['id']}")
        page.wait_for_selector("#fn-set-name")
        found["name"] = violations(page)
        begin(page, link, "Ada")
        found["blind"] = violations(page)
        page.click(FAKE)
        page.click("button[data-sure='4']")
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        page.evaluate(SELECT, [0, 0])
        page.click("#fn-mark")
        page.wait_for_selector("#fn-marks q")
        found["after"] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        page.click("#fn-set-all")
        found["all"] = violations(page)
        ask(address, f"{API}/{link['id']}/state", {"closed": True}, key=link["owner"])
        page.reload()
        page.wait_for_selector("#fn-set-where", timeout=WAIT)
        found["closed"] = violations(page)
        begin(page, opened, "Ada")
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        found["open"] = violations(page)
        ask(address, f"{API}/{opened['id']}/reviewers/1", method="DELETE", key=opened["owner"])
        page.reload()
        page.wait_for_selector("#fn-set-anew", timeout=WAIT)
        found["answers deleted"] = violations(page)
        page.goto("/?s=unknown")
        found["nothing"] = violations(page)
    assert {state: broken for state, broken in found.items() if broken} == {}
