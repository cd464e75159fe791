"""Hostile text at every place where anybody's text is drawn: nothing executes, on no page and in no export.

Fifty payloads stand in each of 22 places: those of pages and exports are drawn by the functions the page draws with
and opened in a real browser without a content security policy, so that escaping alone has to hold. Then the page itself
is given all payloads at once wherever a visitor can write.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakenews.api import preview
from fakenews.batch.rows import Columns
from fakenews.batch.score import Done, Task
from fakenews.batch.score import score as score_table
from fakenews.batch.spreadsheet import table_csv
from fakenews.engine import Engine
from fakenews.engine.values import ExplanationRequest, WhatIf
from fakenews.explain.counterfactual import Counterfactual
from fakenews.schema import Span
from fakenews.share.review import Review
from fakenews.share.shared import Owned, Shared
from fakenews.share.snapshot import Snapshot
from fakenews.text import sentence_spans
from fakenews.ui import export, render, render_edits, render_highlights, render_shares, render_verdicts, render_words
from fakenews.ui.batch import Batch
from fakenews.ui.jobs import Job
from tests.running import WAIT, running
from tests.share.conftest import snapshot_of

pytestmark = pytest.mark.browser

HIT = "window.hit=1"
_TAGS = (
    "<img src=x onerror={0}>",
    "<svg onload={0}>",
    "<script>{0}</script>",
    '<a href="javascript:{0}">a</a>',
    "<body onload={0}>",
    "<iframe srcdoc='<script>parent.{0}</script>'></iframe>",
    "<details open ontoggle={0}>x</details>",
    "<video><source onerror={0}></video>",
    "<audio src=x onerror={0}>",
    "<input autofocus onfocus={0}>",
    "<select autofocus onfocus={0}>",
    "<textarea autofocus onfocus={0}>",
    "<marquee onstart={0}>x</marquee>",
    "<math><mtext><img src=x onerror={0}></mtext></math>",
    "<style>@import 'javascript:{0}';</style>",
    "<style onload={0}></style>",
    "<link rel=stylesheet href=x onerror={0}>",
    "<object data='javascript:{0}'></object>",
    "<embed src='javascript:{0}'>",
    "<form><button formaction='javascript:{0}'>x</button></form>",
    "<meta http-equiv=refresh content='0;url=javascript:{0}'>",
    "<base href='javascript:{0}//'>",
    "<svg><script>{0}</script></svg>",
    "<svg><animate onbegin={0} attributeName=x></svg>",
    "<img src=x:x onerror={0} //",
    "<<script>{0}//<</script>",
    "<scr<script>ipt>{0}</script>",
    "<IMG SRC=x OnErRoR={0}>",
)
_BREAKS = ('"', "'", '">', "'>", "</mark>", "</textarea>", "</title>", "</style>", "</script>", "-->", "]]>")
PAYLOADS = tuple(
    dict.fromkeys(
        (
            *(tag.format(HIT) for tag in _TAGS),
            *(f"{end}<img src=x onerror={HIT}>" for end in _BREAKS),
            f'" onmouseover={HIT} x="',
            f"' autofocus onfocus={HIT} x='",
            f'" style="animation:x" onanimationstart={HIT} "',
            f"javascript:{HIT}",
            f"${{{HIT}}}",
            f"{{{{{HIT}}}}}",
            f"<%= {HIT} %>",
            f"&lt;img src=x onerror={HIT}&gt;",
            f"&#60;img src=x onerror={HIT}&#62;",
            f"\\u003cimg src=x onerror={HIT}\\u003e",
            f'=HYPERLINK("javascript:{HIT}")',
            f"+ADw-script+AD4-{HIT}+ADw-/script+AD4-",
            f"\u202e<img src=x onerror={HIT}>",
            f"<img\x00 src=x onerror={HIT}>",
        )
    )
)

WORDS = " The people in the city said that the council met on Tuesday to talk about the bridge. " * 4


def article(payload: str) -> str:
    return f"{payload}\n\n{payload}{WORDS}{payload}"


def places(engine: Engine) -> dict[str, Callable[[str], str]]:
    """Markup of every place, given a payload."""
    plain = snapshot_of(engine, WORDS.strip())
    titles = plain.titles

    def taken(payload: str) -> Snapshot:
        return snapshot_of(engine, engine.judge.check(payload, f"{payload}{WORDS}{payload}"))

    def shared(snapshot: Snapshot, **changes: Any) -> Shared:
        return replace(Shared(snapshot, False, 10**12), **changes)

    def owned(name: str = "Ada", comment: str = "", snapshot: Snapshot | None = None, marked: bool = False) -> str:
        found = snapshot or plain
        spans = (Span(0, min(60, len(found.text))),) if marked else ()
        review = Review(name, 1, 2, "fake", "real", {"tfidf": True}, spans, comment)
        return render_shares.owned([Owned("id", shared(found), (review,))])

    def flip(payload: str) -> str:
        text = article(payload)
        found = Counterfactual("tfidf", sentence_spans(text), (0,), 0.2, 0.8, True, 3, 0.1)
        return render_edits.flip(found, payload)

    def what_if(payload: str) -> str:
        said = engine.judge.analyse(WORDS)
        answer, names = WhatIf(article(payload), said.predictions, said.predictions, 0.1), {m: payload for m in titles}
        return render_verdicts.verdicts(said, names, names, answer) + render_verdicts.changes_heard(answer, names)

    def batch(payload: str) -> str:
        tab = Batch(engine)
        folder = tab.jobs.folder / "x"
        folder.mkdir(exist_ok=True)
        (folder / "scored.csv.errors.jsonl").write_text('{"line": 2, "reason": "cells: 1"}\n', encoding="utf-8")
        done = Done(1, 1, 1.0, 1.0, 0.0, {"tfidf": {"fake": 1}})
        job = Job(folder, payload, folder / "scored.csv", Task(("tfidf",), Columns("text")), done=done)
        return tab._summary(job, done) + tab._under_way(replace(job, done=replace(done, share=0.5)))

    def preview_table(payload: str) -> str:
        tab = Batch(engine)
        path = tab.jobs.folder / "cells.csv"
        path.write_text(table_csv(("text", payload), [(article(payload), payload)]), encoding="utf-8")
        return str(tab.look(str(path))["preview"])

    def card(payload: str) -> str:
        return preview.card_tags(shared(taken(payload)), "http://demo.test", payload)

    explained = {}

    def explanation(payload: str) -> Any:
        if payload not in explained:
            explained[payload] = engine.explainers.explain(
                ExplanationRequest(engine.judge.check("", article(payload)), "tfidf", "linear")
            )
        return explained[payload]

    return {
        "the text before its highlights": lambda p: render_highlights.plain(article(p)),
        "highlighted words": lambda p: render_highlights.highlighted(explanation(p)),
        "highlighted sentences": lambda p: render_highlights.highlighted(explanation(p), "sentence"),
        "strongest words": lambda p: render_words.top_words([(p, explanation(p))]),
        "legend": lambda p: render_highlights.legend(explanation(p), p, p),
        "verdict cards": lambda p: render_verdicts.verdicts(
            plain.analysis, {m: p for m in titles}, {m: p for m in titles}
        ),
        "a sentence about bad input": render.problem,
        "a line of progress": lambda p: render.progress(p, 0.5, 1.0) + render.status(p) + render.caption(p),
        "cells of a table": lambda p: render.table([(p, False), (p, True)], [(p, (p, p))], p),
        "what-if, changes": what_if,
        "smallest flip": flip,
        "links to copy": lambda p: render_shares.link(p, p, 10**12, False, False) + render_shares.again(p),
        "head of a shared analysis": lambda p: render_shares.head(
            shared(replace(taken(p), titles={m: p for m in titles})), [p]
        ),
        "marked stretches": lambda p: render_shares.marks(taken(p), [Span(0, 80)]),
        "reviewer's name": lambda p: owned(name=p),
        "reviewer's comment": lambda p: owned(comment=p),
        "owner's list with marks": lambda p: owned(snapshot=taken(p), marked=True),
        "preview card": card,
        "report": lambda p: export.report(replace(taken(p), titles={m: p for m in titles})),
        "file name in Batch": batch,
        "cells in Batch": preview_table,
    }


def test_there_are_21_places_and_50_payloads(share_engine: Engine) -> None:
    assert len(places(share_engine)) == 21 and len(PAYLOADS) >= 50


@pytest.mark.slow
def test_nothing_executes_in_any_place(browser: Any, share_engine: Engine) -> None:
    page = browser.new_page()
    page.on("dialog", lambda d: d.dismiss())
    for place, draw in places(share_engine).items():
        documents = [draw(payload) for payload in PAYLOADS]
        if place == "report":
            documents = [d.replace("default-src 'none'", "default-src * 'unsafe-inline'") for d in documents]
            for document in documents:
                check(page, place, document)
        else:
            check(page, place, "<!doctype html><body>" + "<hr>".join(documents))
    page.close()


def check(page: Any, place: str, document: str) -> None:
    page.set_content(document, wait_until="load")
    page.evaluate("""() => {
      for (const e of document.querySelectorAll('details')) e.open = true;
      for (const e of document.querySelectorAll('*'))
        for (const kind of ['mouseover', 'focus', 'error', 'load', 'toggle']) e.dispatchEvent(new Event(kind));
    }""")
    assert page.evaluate("window.hit") is None, place
    elements = page.evaluate("""() => [...document.querySelectorAll('*')].filter(e =>
      /^(script|iframe|object|embed|img|svg|math|video|audio|base|form|marquee)$/i.test(e.tagName) ||
      [...e.attributes].some(a => a.name.startsWith('on') ||
        ['href', 'src', 'action', 'formaction'].includes(a.name) && /^\\s*javascript/i.test(a.value)))
      .map(e => e.outerHTML.slice(0, 200))""")
    assert elements == [], place


def test_the_check_finds_what_executes(browser: Any) -> None:
    page = browser.new_page()
    for payload in (PAYLOADS[0], f'<p x="{PAYLOADS[-14]}">', PAYLOADS[3]):
        with pytest.raises(AssertionError):
            check(page, "unescaped", f"<!doctype html><body>{payload}")
    page.close()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_of_a_csv_begins_a_formula(payload: str, share_engine: Engine, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(table_csv(("text", payload), [(article(payload), payload)]), encoding="utf-8")
    score_table(source, out, share_engine, Task(("tfidf",), Columns("text")))
    taken = snapshot_of(share_engine, share_engine.judge.check(payload, article(payload)))
    for content in (out.read_text(encoding="utf-8"), export.attributions_csv(taken)):
        cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
        assert not [c for c in cells if c.startswith(tuple("=+-@\t\r")) and not _number(c)]


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.slow
def test_the_page_given_everything_at_once(browser: Any, tmp_path: Path) -> None:
    everything = " ".join(p.replace("\x00", "") for p in PAYLOADS)
    with running(tmp_path) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#fn-body textarea", timeout=WAIT)
        page.fill("#fn-title textarea, #fn-title input", everything[:500])
        page.fill("#fn-body textarea", everything + WORDS)
        page.click("#fn-analyse")
        page.wait_for_selector("#fn-highlight mark", timeout=WAIT)
        page.wait_for_selector("#fn-status .fn-badge", timeout=WAIT)
        page.click("#fn-whatif")
        page.click("#fn-highlight [data-key] >> nth=3")
        page.wait_for_selector("#fn-highlight .fn-gone", timeout=WAIT)
        page.click("#fn-share-open")
        page.click("#fn-make-link")
        page.wait_for_selector("#fn-link", timeout=WAIT)
        link, own = page.input_value("#fn-link"), page.input_value("#fn-owner-link")
        assert page.evaluate("window.hit") is None

        page.goto(link)
        page.wait_for_selector("#fn-shared-text mark", timeout=WAIT)
        page.fill("#fn-name input, #fn-name textarea", PAYLOADS[0])
        page.click("#fn-verdict label >> nth=0")
        page.fill("#fn-comment textarea", everything[:1900])
        page.evaluate("window.fakenews.selected = '0-400'")
        page.click("#fn-mark")
        page.wait_for_selector("#fn-marks li", timeout=WAIT)
        page.click("#fn-send")
        page.wait_for_selector("#fn-review-said :text('Thank you')", timeout=WAIT)
        assert page.evaluate("window.hit") is None

        page.goto(own)
        page.wait_for_selector("#fn-owned table", timeout=WAIT)
        page.click("#fn-manage button >> nth=0")
        page.click("#fn-picked input")
        assert PAYLOADS[0] in page.locator("#fn-owned").inner_text()
        assert page.evaluate("window.hit") is None

        table = tmp_path / f"{PAYLOADS[0].replace('/', '')}.csv"
        table.write_text(table_csv(("text", PAYLOADS[0]), [(everything + WORDS, p) for p in PAYLOADS]), "utf-8")
        page.click("button[role=tab]:has-text('Batch')")
        page.set_input_files("#fn-batch-file input[type=file]", table)
        page.wait_for_selector("#fn-batch-preview table", timeout=WAIT)
        page.click("#fn-batch-models label:has-text('TinyBERT')")
        page.click("#fn-batch-start")
        page.wait_for_selector("#fn-batch-status table", timeout=WAIT)
        assert page.evaluate("window.hit") is None
        context.close()
