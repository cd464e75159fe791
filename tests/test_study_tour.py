"""A study from its beginning to its end in a real browser: articles, a set, three reviewers, results, deletion.

The server is another process in the middle of preparing the set and in the middle of the reviews.
"""

from __future__ import annotations

import csv
import io
import json
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.running import WAIT
from tests.test_set_tour import ANSWERED, PHONE, SELECT, SHOWN, STATE
from tests.test_share_tour import Demo

pytestmark = pytest.mark.browser

N = 12
VERDICTS = ("fake", "real", "cannot_judge")


@pytest.fixture(params=["sqlite and bucket", "postgres"])
def demo(request: pytest.FixtureRequest, browser: Any, tmp_path: Path) -> Demo:
    settings = {"FAKENEWS_RATE": "0"}
    if request.param == "postgres":
        return Demo(browser, tmp_path, {"FAKENEWS_DATABASE_URL": request.getfixturevalue("postgres"), **settings})
    return Demo(browser, tmp_path, {"FAKENEWS_BUCKET": str(tmp_path / "bucket"), **settings})


def pending(demo: Demo, id_: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{demo.port}/api/v1/review-sets/{id_}", timeout=60) as answer:
        return int(json.load(answer)["n_pending"])


def make_set(demo: Demo) -> tuple[str, str]:
    """Make a set of twelve misclassified articles on the Dataset tab; both links. The server ends at once."""
    with demo.page() as page:
        page.click("button[role=tab]:has-text('Dataset')")
        page.wait_for_selector(f"#fn-table .fn-tick input >> nth={N}", timeout=WAIT)
        boxes = page.locator("#fn-table .fn-tick input")
        for i in range(N):
            boxes.nth(i).check()
        page.click("#fn-dataset-set-open")
        ticked = f"document.querySelector('#fn-dataset-set-by input').value === '{N} ticked articles'"
        page.wait_for_function(ticked, timeout=WAIT)
        page.fill("#fn-dataset-set-title :is(input, textarea)", "Hard ones")
        page.fill("#fn-dataset-set-instructions textarea", "Read each article once.")
        page.click("#fn-dataset-set-create")
        page.wait_for_selector("#fn-dataset-set-link", timeout=WAIT)
        links = page.input_value("#fn-dataset-set-link"), page.input_value("#fn-dataset-set-owner")
        page.close()
    return links


@contextmanager
def reviewer(demo: Demo, **settings: Any) -> Any:
    """Open a page in a fresh profile, where nothing goes wrong and nothing is asked of others."""
    context = demo.browser.new_context(**{"viewport": {"width": 1360, "height": 900}, **settings})
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda e: wrong.append(str(e)))
    known = (f"http://127.0.0.1:{demo.port}", "data:")
    page.on("request", lambda r: None if r.url.startswith(known) else wrong.append(r.url))
    yield page
    context.close()
    assert wrong == []


def begin(page: Any, link: str, name: str) -> None:
    page.goto(link)
    page.fill("#fn-set-name", name)
    page.click("#fn-set-begin")


def judge(
    page: Any, n: int, verdict: str, sure: int, after: str | None = None, press: Callable[[str], None] | None = None
) -> None:
    """Answer the article at place `n`; `after` is the verdict once the models' answers are seen."""
    act = press or page.click
    page.wait_for_function(SHOWN, arg=n, timeout=WAIT)
    page.wait_for_selector("#fn-set-unread .fn-text", timeout=WAIT)
    assert page.locator(ANSWERED).count() == 0
    act(f"button[data-verdict={verdict}]")
    act(f"button[data-sure='{sure}']")
    if after is not None:
        page.wait_for_selector(ANSWERED, timeout=WAIT)
        act(f"button[data-after='{'' if after == verdict else after}']")
        page.wait_for_function(STATE, arg="Saved", timeout=WAIT)


def test_a_study(demo: Demo, tmp_path: Path) -> None:
    link, own = make_set(demo)
    id_ = link.partition("?s=")[2]

    with reviewer(demo) as ada, reviewer(demo, **PHONE) as bob, reviewer(demo) as eve:
        with demo.process():
            end = time.monotonic() + 120
            while pending(demo, id_) and time.monotonic() < end:
                time.sleep(0.3)
            begin(ada, link, "Ada")
            for n in range(1, N + 1):
                judge(ada, n, "real" if n % 3 else "fake", 4, "fake" if n == 2 else "real" if n % 3 else "fake")
                if n == 1:
                    ada.evaluate(SELECT, [0, 3])
                    ada.click("#fn-mark")
                    ada.wait_for_selector("#fn-marks q")
                    ada.fill("#fn-set-comment", '=HYPERLINK("x") names <b>no</b> source.')
                ada.click("#fn-set-next")
            ada.wait_for_selector("#fn-set-sum:text('Thank you')", timeout=WAIT)
            begin(bob, link, "Bob")
            for n in range(1, 6):
                judge(bob, n, "fake", 2, "fake", bob.tap)
                bob.tap("#fn-set-next")
            bob.wait_for_function(SHOWN, arg=6)
            bob.goto("about:blank")
            begin(eve, link, "Eve")
            judge(eve, 1, "cannot_judge", 1, "cannot_judge")
            eve.click("#fn-set-next")
            eve.wait_for_load_state("networkidle")
            eve.context.set_offline(True)
            for n in (2, 3):
                judge(eve, n, "real", 3)
                eve.wait_for_function(STATE, arg="Kept on this device")
                eve.click("#fn-set-next")
        with demo.process():
            bob.goto(link)
            bob.wait_for_function(SHOWN, arg=6, timeout=WAIT)
            for n in range(6, N + 1):
                judge(bob, n, "real", 5, "real", bob.tap)
                bob.tap("#fn-set-next")
            bob.wait_for_selector("#fn-set-sum:text('Thank you')", timeout=WAIT)
            eve.context.set_offline(False)
            eve.wait_for_function(STATE, arg="Saved", timeout=WAIT)
            for page in (ada, bob, eve):
                page.goto("about:blank")
            with demo.profile() as owner:
                results(owner, link, own, demo, tmp_path)
    assert not [p for p in (tmp_path / "bucket").rglob("*.json") if "-delete-" not in p.name]


def results(owner: Any, link: str, own: str, demo: Demo, tmp_path: Path) -> None:
    """Read what came of it, take it along, close the set and delete it."""
    owner.goto(own)
    rows = [r for r in exported(owner, "csv", tmp_path) if r["verdict"]]
    said = {name: [r for r in rows if r["name"] == name] for name in ("Ada", "Bob", "Eve")}
    assert {name: len(found) for name, found in said.items()} == {"Ada": N, "Bob": N, "Eve": 3}
    assert len({(r["reviewer"], r["article"]) for r in rows}) == 2 * N + 3, "no answer is there twice"
    assert sorted(r["verdict"] for r in said["Eve"]) == ["cannot_judge", "real", "real"]
    assert sum(r["after"] != r["verdict"] for r in said["Ada"]) == 1
    assert [r["comment"] for r in rows if r["comment"]] == ['\'=HYPERLINK("x") names <b>no</b> source.']

    shown = owner.locator(".fn-figs").inner_text()
    assert f"{alpha(rows):.2f}".replace("-", "−") in shown.replace("-", "−"), shown
    cells = owner.locator(".fn-res-matrix tr.fn-of-reviewer td").all_inner_texts()
    assert len(cells) == 3 * N and sum(bool(c.strip()) for c in cells) == 2 * N + 3
    assert owner.locator(".fn-res-matrix").inner_text().count("→") == 1
    report = download(owner, "html", tmp_path)
    with demo.profile() as alone:
        alone.set_content(report)
        assert alone.locator(".fn-figs").inner_text() == shown
        assert alone.locator("button, script").count() == 0 and alone.locator("main b:text-is('no')").count() == 0
    lines = [json.loads(line) for line in download(owner, "jsonl", tmp_path).splitlines()]
    assert len(lines) == 2 * N + 3

    owner.click("[data-state=closed]")
    owner.wait_for_selector("#fn-res-said:has-text('takes no more answers')", timeout=WAIT)
    with demo.profile() as late:
        late.goto(link)
        late.wait_for_selector("h2:text('Closed')", timeout=WAIT)
    owner.locator("#fn-res-delete").scroll_into_view_if_needed()
    owner.check("[data-for=fn-res-delete]")
    owner.once("dialog", lambda dialog: dialog.accept())
    owner.click("#fn-res-delete")
    owner.wait_for_selector("h1:text('Deleted'), h1:text('deleted')", timeout=WAIT)
    assert {owner.request.get(address).status for address in (link, own)} == {404}


def download(page: Any, format_: str, folder: Path) -> str:
    with page.expect_download(timeout=WAIT) as found:
        page.click(f"[data-export={format_}]")
    found.value.save_as(folder / f"results.{format_}")
    return (folder / f"results.{format_}").read_text(encoding="utf-8")


def exported(page: Any, format_: str, folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(download(page, format_, folder))))


def alpha(rows: list[dict[str, str]]) -> float:
    """Return Krippendorff's α of the first verdicts, by another library than ours."""
    from nltk.metrics.agreement import AnnotationTask

    return float(AnnotationTask([(r["reviewer"], r["article"], r["verdict"]) for r in rows]).alpha())
