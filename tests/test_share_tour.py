"""Analyse, share, open the link elsewhere, review blind, see it as the owner, export, delete: in a real browser.

The server is another process in the middle of the review, and again for the owner: whatever they see was stored.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fakenews.config import REPOSITORY
from fakenews.data.registry import load
from tests.explain.toys import planted_corpus, small_tfidf
from tests.running import WAIT, free_port, running

pytestmark = pytest.mark.browser

DRAWN = """id => {
  const text = document.querySelector(id + ' .fn-text');
  return [text.textContent, [...text.querySelectorAll('mark')].map(m => [m.textContent, m.className, m.dataset.w])];
}"""
NUMBERS = "id => [...document.querySelectorAll(id + ' :is(.fn-number b, .fn-row .n)')].map(e => e.innerText)"
# Selects from the start of the first highlighted word to the end of the third.
SELECT = """() => {
  const marks = document.querySelectorAll('#fn-shared-text mark'), range = document.createRange();
  range.setStartBefore(marks[0]); range.setEndAfter(marks[2]);
  getSelection().removeAllRanges(); getSelection().addRange(range);
  return range.toString();
}"""
# From the last highlighted word to beyond the end of the text, as a hand that drags too far.
TOO_FAR = """() => {
  const marks = document.querySelectorAll('#fn-shared-text mark'), range = document.createRange();
  range.setStartBefore(marks[marks.length - 1]); range.setEndAfter(document.querySelector('#fn-shared-legend .fn-key'));
  getSelection().removeAllRanges(); getSelection().addRange(range);
}"""
FOCUSED = "what => document.activeElement.matches(what)"


class Demo:
    """One storage, one port, and as many processes and browser profiles as it takes."""

    def __init__(self, browser: Any, folder: Path, settings: dict[str, str]) -> None:
        self.browser = browser
        self.folder = folder
        self.settings = settings
        self.port = free_port()

    @contextmanager
    def page(self, address: str = "", **settings: str) -> Iterator[Any]:
        """Open a page in a fresh profile, served by a fresh process."""
        with self.process(warm=not address, **settings) as found, self.profile() as page:
            page.goto(address or found)
            yield page

    @contextmanager
    def process(self, warm: bool = False, **settings: str) -> Iterator[str]:
        with running(self.folder, warm=warm, port=self.port, **{**self.settings, **settings}) as found:
            yield found

    @contextmanager
    def profile(self) -> Iterator[Any]:
        """Open a page in a fresh profile; no request left the machine, nothing went wrong."""
        context = self.browser.new_context(viewport={"width": 1360, "height": 1000}, accept_downloads=True)
        page = context.new_page()
        outside: list[str] = []
        errors: list[str] = []
        known = (f"http://127.0.0.1:{self.port}", "data:", "blob:")
        page.on("request", lambda r: outside.append(r.url) if not r.url.startswith(known) else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        yield page
        context.close()
        assert outside == [] and errors == []


@pytest.fixture(params=["sqlite and bucket", "postgres"])
def demo(request: pytest.FixtureRequest, browser: Any, tmp_path: Path) -> Demo:
    if request.param == "postgres":
        return Demo(browser, tmp_path, {"FAKENEWS_DATABASE_URL": request.getfixturevalue("postgres")})
    return Demo(browser, tmp_path, {"FAKENEWS_BUCKET": str(tmp_path / "bucket")})


def begin(page: Any, name: str, verdict: str) -> None:
    """Give a blind verdict, and wait for the models' answers."""
    page.fill("#fn-first-name input, #fn-first-name textarea", name)
    page.click(f"#fn-first-verdict label:has-text('{verdict}')")
    page.click("#fn-begin")
    page.wait_for_selector("#fn-shared-text mark", timeout=WAIT)


def test_from_sharing_to_deletion(demo: Demo, tmp_path: Path) -> None:
    articles = load("demo")
    article = articles[(articles["subject"] == "hoax") & (articles["text"].str.len() > 1200)].iloc[0]

    with demo.profile() as page:
        with demo.process(warm=True) as address:
            # Analyse and share, blind.
            with demo.profile() as author:
                author.goto(address)
                author.wait_for_selector("#fn-body textarea", timeout=WAIT)
                author.fill("#fn-title textarea, #fn-title input", article["title"])
                author.fill("#fn-body textarea", article["text"])
                author.click("#fn-analyse")
                author.wait_for_selector("#fn-status .fn-badge", timeout=WAIT)
                drawn, numbers = author.evaluate(DRAWN, "#fn-highlight"), author.evaluate(NUMBERS, "#fn-result")
                assert len(drawn[1]) > 5 and len(numbers) == 3
                author.click("#fn-share-open")
                author.click("#fn-blind input")
                author.wait_for_selector("#fn-redact input:disabled", timeout=WAIT)
                author.click("#fn-make-link")
                author.wait_for_selector("#fn-link", timeout=WAIT)
                link, own = author.input_value("#fn-link"), author.input_value("#fn-owner-link")
                author.click("#fn-export-open")
                with author.expect_download() as download:
                    author.click("#fn-export-html")
                report = tmp_path / "report.html"
                download.value.save_as(report)
                assert report.stat().st_size < 300_000

            # The report opens from the disk, with the same characters highlighted, and asks the network for nothing.
            with demo.profile() as alone:
                alone.set_content(report.read_text(encoding="utf-8"))
                text, marks = alone.evaluate(DRAWN, "section")
                assert text == drawn[0] and [m[:2] for m in marks] == [m[:2] for m in drawn[1]]

            # A reviewer judges first, and goes on where the server is another one meanwhile.
            page.goto(link)
            page.wait_for_selector("#fn-begin", timeout=WAIT)
            content = page.content()
            assert 'class="fn-answer"' not in content and page.locator("#fn-shared-text mark").count() == 0
            assert page.evaluate("document.querySelector('meta[name=robots]').content") == "noindex"
            assert page.title() == article["title"]
            page.click("#fn-begin")
            page.wait_for_selector("#fn-begin-said :text('Give a name')", timeout=WAIT)
            begin(page, "Ada", "real")
            page.wait_for_function(FOCUSED, arg="#fn-shared-head h1", timeout=WAIT)
            assert page.evaluate(DRAWN, "#fn-shared-text") == drawn
            assert page.evaluate(NUMBERS, "#fn-shared-cards") == numbers
        with demo.process():
            page.focus("#fn-shared-unit input:checked")
            page.keyboard.press("Tab")
            page.keyboard.press("Control+End")
            page.keyboard.press("Shift+ArrowLeft")
            page.keyboard.press("Enter")
            page.wait_for_selector("#fn-marks q", timeout=WAIT)
            assert page.locator("#fn-marks q").inner_text() == drawn[0][-1]
            selected = page.evaluate(SELECT)
            page.click("#fn-mark")
            page.wait_for_selector("#fn-marks li >> nth=1", timeout=WAIT)
            quoted = page.locator("#fn-marks q >> nth=0").inner_text()
            assert quoted.rstrip("…") in " ".join(selected.split())
            page.evaluate(TOO_FAR)
            page.click("#fn-mark")
            page.wait_for_function("n => document.querySelectorAll('#fn-marks q')[1].innerText.length > n", arg=3)
            page.click("#fn-mark")
            page.wait_for_selector("#fn-marks :text('Select words')", timeout=WAIT)
            page.reload()
            page.wait_for_selector("#fn-marks li >> nth=1", timeout=WAIT)
            assert page.evaluate(DRAWN, "#fn-shared-text") == drawn
            page.click("#fn-verdict label:has-text('fake')")
            page.get_by_role("group", name="TinyBERT").get_by_text("disagree").click()
            page.fill("#fn-comment textarea", "No source is named.")
            page.click("#fn-send")
            page.wait_for_selector("#fn-review-said :text('Thank you')", timeout=WAIT)
            page.wait_for_function(FOCUSED, arg="#fn-review-said p", timeout=WAIT)
            page.close()  # a server waits for open pages when it ends

    # The owner sees it with κ, on a build whose model is another, and takes the reviews away.
    other = tmp_path / "models"
    shutil.copytree(REPOSITORY / "models" / "word2vec", other / "word2vec")
    small_tfidf().calibrate(*planted_corpus()).save(other / "tfidf")
    with demo.page(own, FAKENEWS_MODELS=str(other)) as page:
        page.wait_for_selector("#fn-owned table", timeout=WAIT)
        assert page.locator("#fn-key input").bounding_box()["width"] > 450, "43 characters can be seen"
        told = page.locator("#fn-owned").inner_text()
        for part in ("Ada", "No source is named.", "disagrees with TinyBERT", "Cohen's κ", "Of 1 blind review, 1 had"):
            assert part in told, part
        words = page.locator("#fn-owned tr:has-text('Ada and TinyBERT') >> nth=1").inner_text().split("\t")
        assert -1 <= float(words[-1]) <= 1
        page.click("#fn-manage button >> nth=0")
        with page.expect_download() as download:
            page.click("#fn-export-reviews")
        download.value.save_as(tmp_path / "reviews.jsonl")
        (line,) = (tmp_path / "reviews.jsonl").read_text(encoding="utf-8").splitlines()
        review = json.loads(line)["review"]
        assert (review["name"], review["first_verdict"], review["verdict"]) == ("Ada", "real", "fake")
        first, last = (drawn[0][slice(*span)] for span in review["spans"])
        assert review["agree"] == {"tinybert": False} and first == selected
        assert last.startswith(drawn[1][-1][0]) and drawn[0].endswith(last)

        # The link shows the numbers of the first build there, and says that today's models are others.
        with demo.profile() as reader:
            reader.goto(link)
            reader.wait_for_selector("#fn-begin", timeout=WAIT)
            begin(reader, "Bob", "cannot")
            assert reader.evaluate(DRAWN, "#fn-shared-text") == drawn
            assert reader.evaluate(NUMBERS, "#fn-shared-cards") == numbers
            note = reader.locator("#fn-shared-head .fn-note").inner_text()
            assert "TinyBERT is not among today's models" in note and "Today's TF-IDF has other weights" in note

        # Deleted is gone.
        page.click("#fn-delete")
        page.wait_for_selector("#fn-reviews-said :text('Tick')", timeout=WAIT)
        page.click("#fn-sure input")
        page.click("#fn-delete")
        page.wait_for_selector("#fn-reviews-said :text('Deleted')", timeout=WAIT)
        page.goto(link)
        page.wait_for_selector("#fn-shared-head .fn-problem", timeout=WAIT)
        assert page.request.get(link).status == 404
        assert article["title"] not in page.locator("#fn-linked").inner_text()
    assert not [p for p in (tmp_path / "bucket").rglob("*.json") if "-delete-" not in p.name]
