"""A reviewer's tour in a real browser: paste, verdict, highlights, cancel, dataset, cell, article, hostile input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from fakenews.data.registry import load
from fakenews.data.unpacked import MAX_UPLOAD
from fakenews.share.snapshot import HIDDEN
from fakenews.ui import export, render_highlights
from tests.running import WAIT, running
from tests.ui.test_render import explanation

pytestmark = pytest.mark.browser

HOSTILE = (
    '<img src=x onerror="window.hit=1"><script>window.hit=2</script> ${window.hit=3} {{value}} ' + "plain words " * 60
)


PLACES = """() => ['article', 'share-open', 'method', 'top'].map(id => {
  const {x, y} = document.querySelector('#fn-' + id).getBoundingClientRect();
  return [x, y + scrollY];
})"""
# What is smaller than a finger, of what is drawn by Gradio.
SMALL = """() => [...document.querySelectorAll('.label-wrap, .checkbox-container, input[type=range]')]
  .filter(e => e.offsetParent && e.offsetHeight < 44).map(e => e.outerHTML)"""
CONTRAST = """selector => {
  const drawing = document.createElement('canvas').getContext('2d');
  const light = colour => {
    drawing.fillStyle = colour;
    drawing.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...drawing.getImageData(0, 0, 1, 1).data].map(v => ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(document.querySelector(selector));
  const [dark, bright] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of `python app.py`, started as a user starts it, without any corpus but the demo's."""
    with running(tmp_path_factory.mktemp("server"), FAKENEWS_URL_FETCH="1") as found:
        yield found


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """Yield the page, loaded; afterwards no request has left the machine and the console holds no error."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    opened = context.new_page()
    outside: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda r: outside.append(r.url) if not r.url.startswith((address, "data:", "blob:")) else None)
    opened.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    opened.on("pageerror", lambda e: errors.append(str(e)))
    opened.goto(address)
    opened.wait_for_selector("#fn-body textarea", timeout=WAIT)
    yield opened
    context.close()
    assert outside == []
    assert errors == []


def paste(page: Any, text: str, title: str = "") -> None:
    if page.locator("#fn-edit").is_visible():
        page.click("#fn-edit")
    page.fill("#fn-title textarea, #fn-title input", title)
    page.fill("#fn-body textarea", text)
    page.click("#fn-analyse")


def pick(page: Any, selector: str, words: str) -> None:
    page.click(f"{selector} input")
    page.click(f"{selector} [role=option]:has-text('{words}')")


def test_the_tour(page: Any) -> None:
    demo = load("demo")
    article = demo[(demo["subject"] == "hoax") & (demo["text"].str.len() > 1200)].iloc[0]

    # Paste, verdict, highlights.
    page.evaluate("""() => {
      window.heard = [];
      const place = document.querySelector('#fn-heard [role=status]');
      const hear = () => window.heard.push(place.isConnected ? place.textContent : 'nothing, the place is another');
      new MutationObserver(hear).observe(place, {childList: true, subtree: true, characterData: true});
    }""")
    paste(page, article["text"], article["title"])
    page.wait_for_selector(".fn-answer", timeout=WAIT)
    verdict = page.locator(".fn-verdict").inner_text()
    assert verdict in ("fake-like", "real-like", "No verdict")
    assert page.locator(".fn-row[data-model]").count() == 2  # every model on one axis
    page.wait_for_selector("#fn-highlight mark", timeout=WAIT)
    assert page.locator("#fn-highlight .fn-text").inner_text().strip().startswith(article["title"][:20])
    assert not page.locator("#fn-body").is_visible()  # the article stands on the page once
    page.wait_for_selector("#fn-top .fn-wordhead span:text('TF-IDF')", timeout=WAIT)  # one model's words come first
    assert page.locator("#fn-top .fn-wordhead span").all_inner_texts() == ["TinyBERT", "TF-IDF"]
    wait_for_the_end(page)
    (heard,) = page.evaluate("window.heard")  # once, although the answer was drawn twice
    assert f"Ensemble: {verdict}" in heard.replace("Fake-", "fake-").replace("Real-", "real-")
    stands = page.evaluate(PLACES)

    # SHAP, by the keyboard, streams: a ranking with its stability before it is done; then by sentence. Nothing moves.
    page.evaluate("""() => {
      window.seen = [];
      const look = () => window.seen.push(document.querySelector('#fn-status').innerText);
      new MutationObserver(look).observe(document.querySelector('#fn-status'), {childList: true, subtree: true});
    }""")
    page.focus("#fn-method input:checked")
    page.keyboard.press("ArrowRight")
    wait_for_the_end(page, "LIME")
    page.keyboard.press("ArrowRight")
    wait_for_the_end(page, "SHAP")
    assert page.evaluate(PLACES) == stands
    assert any("%" in line for line in page.evaluate("window.seen"))
    page.click("#fn-unit label:has-text('Sentence')")
    page.wait_for_function("() => document.querySelector('#fn-highlight mark')?.innerText.split(' ').length > 3")

    # What if, on the article itself: a sentence struck out with the keyboard, undone, and the smallest flip.
    page.click("#fn-whatif")
    page.wait_for_function("() => document.activeElement.matches('#fn-highlight [data-key]')", timeout=WAIT)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-highlight .fn-gone", timeout=WAIT)
    page.wait_for_selector("#fn-result :text('before the edit')", timeout=WAIT)
    assert page.evaluate("document.activeElement.matches('.fn-gone')")
    assert page.locator(".fn-scale s").count() == 2  # where the models stood before
    page.click("#fn-undo")
    page.wait_for_function("() => !document.querySelector('#fn-highlight .fn-gone')", timeout=WAIT)
    page.click("#fn-view label:has-text('TF-IDF')")
    page.click("#fn-flip")
    page.wait_for_selector("#fn-whatif-said :text('flips')", timeout=WAIT)
    page.wait_for_selector("#fn-highlight .fn-gone", timeout=WAIT)
    page.click("#fn-whatif-done")
    page.wait_for_function("() => !document.querySelector('#fn-highlight .fn-gone')", timeout=WAIT)
    page.wait_for_selector("#fn-result :text('before the edit')", state="detached", timeout=WAIT)

    # A second run, of a long article with a slow method, cancelled.
    long = demo[demo["subject"] == "long-read"].iloc[0]
    paste(page, long["text"], long["title"])
    page.wait_for_function("t => document.querySelector('#fn-highlight')?.innerText.includes(t)", arg=long["title"])
    page.wait_for_selector("#fn-highlight mark", timeout=WAIT)
    page.click("#fn-method label:has-text('LIME')")
    page.wait_for_selector("#fn-status progress", timeout=WAIT)
    page.click("#fn-cancel")
    page.wait_for_selector("#fn-status :text('Cancelled')", timeout=WAIT // 4)
    page.wait_for_function("() => document.activeElement.matches('#fn-method input:checked')", timeout=WAIT // 4)
    assert page.locator("#fn-highlight mark").count() > 0

    # Dataset, a cell of the confusion matrix, a misclassified article back in Analyse.
    page.click("button[role=tab]:has-text('Dataset')")
    page.wait_for_selector("#fn-figures .fn-figs", timeout=WAIT)
    pick(page, "#fn-corpus", "Demo")
    page.wait_for_selector("#fn-table button[data-open]", timeout=WAIT)
    page.click("#fn-matrix [data-open='0,1']")  # true fake, predicted real
    page.wait_for_selector("h2:has-text('Fake articles taken for real')", timeout=WAIT)
    page.wait_for_selector("#fn-table button[data-open]", timeout=WAIT)
    first = page.locator("#fn-table tbody tr").first
    assert first.locator("td").all_inner_texts()[2:4] == ["fake", "real"]
    page.wait_for_function("() => document.activeElement.matches('#fn-matrix [aria-pressed=true]')", timeout=WAIT)

    # Ticked articles are what the button exports.
    page.click("#fn-table input >> nth=0")
    page.wait_for_selector("#fn-dataset-csv:has-text('Export 1 selected')", timeout=WAIT)
    with page.expect_download(timeout=WAIT) as exported:
        page.click("#fn-dataset-csv")
    assert len(exported.value.path().read_text().splitlines()) == 2
    title = first.locator("button").inner_text()

    # The threshold moves the matrix, and back.
    counts = "() => [...document.querySelectorAll('#fn-matrix b')].map(t => t.textContent).join()"
    before = page.evaluate(counts)
    page.locator("#fn-threshold input[type=range]").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector("#fn-scoring ~ * :text('from a probability of 0.90 on')", timeout=WAIT)
    page.wait_for_function(f"before => ({counts})() !== before", arg=before, timeout=WAIT)
    page.click("#fn-threshold-back")
    page.wait_for_function(f"before => ({counts})() === before", arg=before, timeout=WAIT)
    page.wait_for_selector("#fn-threshold-back:disabled", state="hidden", timeout=WAIT)
    page.wait_for_function("t => document.querySelector('#fn-table button').innerText === t", arg=title, timeout=WAIT)

    first.locator("button").click()
    page.wait_for_selector("#fn-highlight:visible", timeout=WAIT)
    page.wait_for_function(
        "t => document.querySelector('#fn-highlight')?.innerText.includes(t)", arg=title, timeout=WAIT
    )
    assert page.locator("#fn-title textarea, #fn-title input").input_value() == title


def text_shown(page: Any) -> str:
    return str(page.locator("#fn-highlight").inner_text())


def answers(page: Any) -> list[str]:
    return list(page.locator("#fn-result .fn-answer, #fn-result .fn-row").all_inner_texts())


def wait_for_the_end(page: Any, method: str = "") -> None:
    done = f"#fn-status .fn-grade[data-method='{method}']" if method else "#fn-status .fn-grade"
    page.wait_for_selector(f"{done} .fn-badge", timeout=WAIT)


def test_another_article_takes_the_place_of_one_that_is_still_explained(page: Any) -> None:
    demo = load("demo")
    first = demo[demo["subject"] == "long-read"].iloc[0]
    second = demo[demo["subject"] == "hoax"].iloc[0]
    paste(page, second["text"], second["title"])
    wait_for_the_end(page)
    alone = answers(page)

    paste(page, first["text"] + " So it went on.", first["title"])  # nothing of it is remembered
    page.wait_for_function("t => document.querySelector('#fn-highlight').innerText.includes(t)", arg=first["title"])
    paste(page, second["text"], second["title"])
    page.wait_for_function("t => document.querySelector('#fn-highlight').innerText.includes(t)", arg=second["title"])
    wait_for_the_end(page)
    page.wait_for_timeout(2000)
    assert second["title"] in text_shown(page) and first["title"] not in text_shown(page)
    assert answers(page) == alone

    # Two clicks, the second before the first has its verdict.
    paste(page, first["text"] + " So it ended.", first["title"])
    paste(page, second["text"], second["title"])
    page.wait_for_timeout(1000)
    wait_for_the_end(page)
    assert second["title"] in text_shown(page)
    assert answers(page) == alone


def test_a_table_too_large_is_refused_where_its_result_would_stand(page: Any) -> None:
    large = {"name": "mine.csv", "mimeType": "text/csv", "buffer": b"text\n" + b"x" * MAX_UPLOAD}
    page.click("button[role=tab]:has-text('Batch')")
    page.wait_for_selector("#fn-batch-preview .fn-meta", timeout=WAIT)
    page.set_input_files("#fn-batch-file input[type=file]", large)
    page.wait_for_selector("#fn-batch-preview :text('mine.csv is larger than 5 MB: score it with')", timeout=WAIT)
    assert page.locator("#fn-batch-file :text('Error'), .toast-body").count() == 0
    page.set_input_files("#fn-batch-file input[type=file]", large | {"buffer": b"text\na few words\n"})
    page.wait_for_selector("#fn-batch-preview :text('mine.csv: 1 row, 1 column.')", timeout=WAIT)
    page.wait_for_selector("#fn-batch-start:not([disabled])", timeout=WAIT)
    page.click("button[role=tab]:has-text('Dataset')")
    page.click("#fn-own button >> nth=0")
    page.set_input_files("#fn-own-file input[type=file]", large)
    page.wait_for_selector("#fn-own-result :text('mine.csv is larger than 5 MB.')", timeout=WAIT)


@pytest.mark.parametrize(("typed", "shown"), [("2", "0.95"), ("0", "0.05"), ("", "0.05"), ("0.304", "0.3")])
def test_the_figures_are_those_of_the_threshold_in_its_box(page: Any, typed: str, shown: str) -> None:
    page.click("button[role=tab]:has-text('Dataset')")
    page.wait_for_selector("#fn-figures .fn-figs", timeout=WAIT)
    box = page.locator("#fn-threshold input[type=number]")
    box.fill(typed)
    box.press("Enter")
    box.press("Tab")
    page.wait_for_function(
        "v => document.querySelector('#fn-threshold input[type=number]').value === v", arg=shown, timeout=WAIT
    )
    page.wait_for_selector(f"#fn-scoring ~ * :text('from a probability of {float(shown):.2f} on')", timeout=WAIT // 4)
    assert page.locator(".toast-body").count() == 0


def test_words_across_articles_do_not_outlive_what_they_are_of(page: Any) -> None:
    page.click("button[role=tab]:has-text('Dataset')")
    page.wait_for_selector("#fn-figures .fn-figs", timeout=WAIT)
    pick(page, "#fn-corpus", "Demo")
    page.wait_for_selector("#fn-table button[data-open]", timeout=WAIT)
    figures = page.locator("#fn-figures").inner_text()
    pick(page, "#fn-model", "TF-IDF")
    page.wait_for_function("f => document.querySelector('#fn-figures').innerText !== f", arg=figures, timeout=WAIT)
    page.wait_for_timeout(1500)  # all that the pick set off is drawn
    page.click("#fn-weigh")
    page.wait_for_selector("#fn-across :text('TF-IDF on')", timeout=WAIT)
    pick(page, "#fn-model", "TinyBERT")
    page.wait_for_selector("#fn-across table", state="detached", timeout=WAIT // 4)
    assert "Quick explanations" in page.locator("#fn-across").inner_text()


def test_a_text_that_was_changed_since_is_told_until_it_is_what_was_analysed(page: Any) -> None:
    article = load("demo").iloc[0]
    paste(page, article["text"], article["title"])
    wait_for_the_end(page)
    page.click("#fn-edit")
    page.wait_for_function("() => document.activeElement.matches('#fn-body textarea')", timeout=WAIT)
    assert not page.locator("#fn-highlight").is_visible()
    line, colours = "#fn-changed :text('The text was changed since; press Analyse')", "#fn-result"
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.focus("#fn-body textarea")
    page.keyboard.press("Control+End")
    page.keyboard.type(" So")
    page.wait_for_selector(line, timeout=WAIT)
    assert page.evaluate(f"getComputedStyle(document.querySelector('{colours}')).filter") == "grayscale(1)"
    page.click("#fn-share-open")
    page.wait_for_selector("#fn-share .fn-ifchanged", timeout=WAIT)  # once the panel has unfolded
    page.focus("#fn-body textarea")
    for _ in " So":
        page.keyboard.press("Backspace")
    page.wait_for_selector(line, state="detached", timeout=WAIT)
    assert not page.locator("#fn-share .fn-ifchanged").is_visible()
    assert page.evaluate(f"getComputedStyle(document.querySelector('{colours}')).filter") == "none"
    assert asked == []  # the server is not needed for it

    page.fill("#fn-title textarea, #fn-title input", "Another title")
    page.wait_for_selector(line, timeout=WAIT)
    page.click("#fn-analyse")
    page.wait_for_selector(line, state="detached", timeout=WAIT)
    wait_for_the_end(page)
    assert "Another title" in text_shown(page)
    page.click("#fn-edit")
    page.fill("#fn-body textarea", "A few other words.")
    page.wait_for_selector(line, timeout=WAIT)
    page.click("#fn-clear")
    page.wait_for_selector(line, state="detached", timeout=WAIT)


def test_the_models_chosen_stay_chosen_in_the_address_and_in_the_browser(page: Any, address: str) -> None:
    article = load("demo").iloc[0]
    paste(page, article["text"], article["title"])
    wait_for_the_end(page)
    page.click("#fn-models-open")
    page.click("#fn-models label:has-text('CNN')")
    page.wait_for_selector(".fn-row[data-model=cnn]", timeout=WAIT)  # asked at once
    page.wait_for_selector("#fn-view label:has-text('CNN')", timeout=WAIT)
    assert "cnn" in page.url
    for query, n, model in (("", 3, "cnn"), ("?m=tfidf,none-such", 1, "tfidf")):
        other = page.context.new_page()
        other.goto(f"{address}/{query}")
        other.wait_for_selector("#fn-body textarea", timeout=WAIT)
        paste(other, article["text"], article["title"])
        other.wait_for_selector(f".fn-row[data-model={model}]", timeout=WAIT)
        assert other.locator(".fn-row[data-model]").count() == n


def test_what_a_word_weighs_is_said_where_it_is_pointed_at_or_reached(page: Any) -> None:
    article = load("demo").iloc[0]
    paste(page, article["text"], article["title"])
    wait_for_the_end(page)
    says = re.compile(r"\d\.\d\d log-odds towards (fake|real), rank \d+ of \d+ words")
    page.hover("#fn-highlight mark >> nth=2")
    assert says.match(page.locator("#fn-tip").inner_text())
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    assert not page.locator("#fn-tip").is_visible()
    page.focus("#fn-highlight [data-key][tabindex='0']")
    page.keyboard.press("End")
    assert says.match(page.locator("#fn-tip").inner_text())
    last = page.locator("#fn-highlight [data-key] >> nth=-1")
    assert last.evaluate("e => e === document.activeElement && e.getAttribute('aria-describedby') === 'fn-tip'")
    assert page.locator("#fn-highlight [tabindex='0']").count() == 1  # one stop for the Tab key


def test_a_cleared_page_stays_clear(page: Any) -> None:
    demo = load("demo")
    article = demo[demo["subject"] == "long-read"].iloc[0]
    paste(page, article["text"] + " Nothing came of it.", article["title"])
    page.wait_for_selector(".fn-answer", timeout=WAIT)
    page.click("#fn-clear-article")
    page.wait_for_selector(".fn-answer", state="detached", timeout=WAIT)
    page.wait_for_timeout(4000)
    assert page.locator(".fn-answer").count() == 0
    assert page.locator("#fn-body textarea").input_value() == "" and page.locator("#fn-body").is_visible()


def test_a_failed_fetch_is_forgotten_by_the_next_analysis_and_by_clear(page: Any) -> None:
    def fail() -> None:
        page.fill("#fn-address input, #fn-address textarea", "http://127.0.0.1/")
        page.click("#fn-fetch")
        page.wait_for_selector("#fn-fetched .fn-problem", timeout=WAIT)

    fail()
    at = page.evaluate("document.querySelector('#fn-body').offsetTop")
    paste(page, "The council of a small town met on Tuesday.")
    page.wait_for_selector("#fn-fetched .fn-problem", state="detached", timeout=WAIT)
    page.wait_for_selector(".fn-answer", timeout=WAIT)
    page.click("#fn-edit")
    assert page.evaluate("document.querySelector('#fn-body').offsetTop") == at
    fail()
    page.click("#fn-clear")
    page.wait_for_selector("#fn-fetched .fn-problem", state="detached", timeout=WAIT)
    assert page.locator("#fn-address input, #fn-address textarea").input_value() == ""


def test_the_model_and_the_method_picked_last_are_those_shown(page: Any) -> None:
    demo = load("demo")
    article = demo[demo["subject"] == "wire"].iloc[0]
    paste(page, article["text"], article["title"])
    wait_for_the_end(page)
    for title in ("TF-IDF", "TinyBERT", "TF-IDF"):
        page.click(f"#fn-view label:has-text('{title}')")
        page.wait_for_timeout(300)
    page.wait_for_timeout(1000)
    wait_for_the_end(page)
    assert "TF-IDF" in page.locator("#fn-status").text_content()

    # A slow method given up leaves what was there before, and can be asked for again.
    page.click("#fn-view label:has-text('TinyBERT')")
    page.click("#fn-method label:has-text('SHAP')")
    wait_for_the_end(page, "SHAP")
    page.click("#fn-method label:has-text('LIME')")
    page.click("#fn-cancel")
    page.wait_for_selector("#fn-status :text('Cancelled')", timeout=WAIT)
    shown = page.locator("#fn-method input:checked").input_value()
    assert shown in ("shap", "lime")  # the latter where it had begun to say
    page.click("#fn-method label:has-text('Quick')")
    wait_for_the_end(page)
    page.click("#fn-method label:has-text('LIME')")
    wait_for_the_end(page, "LIME")


@pytest.mark.parametrize(
    "text",
    ["", "word", "x" * 1_000_000, "a\x00b " * 60, "中文新闻" * 100, "אבג דהו " * 60, HOSTILE],
    ids=["empty", "one word", "1 MB", "NUL", "Chinese", "right to left", "script"],
)
def test_hostile_input_gets_words_and_keeps_the_text(page: Any, text: str) -> None:
    paste(page, text)
    page.wait_for_selector(".fn-problem, .fn-answer", timeout=WAIT)
    if text:
        kept = page.locator("#fn-body textarea").input_value()
        assert kept.replace("\x00", "") == text.replace("\x00", "")
    assert page.evaluate("window.hit") is None
    said = page.locator("#fn-result").inner_text()
    assert "Traceback" not in said
    if len(text) < 10 or len(text) > 20_000:
        assert page.locator(".fn-problem").count() == 1 or "No verdict" in said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(browser: Any, address: str, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(address)
    opened.wait_for_selector("#fn-body textarea", timeout=WAIT)
    for tab in ("Dataset", "Batch", "Reviews", "About", "Analyse"):
        opened.click(f"button[role=tab]:has-text('{tab}')")
        opened.wait_for_timeout(600)
        assert opened.evaluate("document.documentElement.scrollWidth") <= 390
        assert opened.evaluate(SMALL) == []
        if tab == "Reviews":
            opened.click("#fn-manage button >> nth=0")
            opened.wait_for_selector("#fn-sure input", timeout=WAIT)
            box = opened.locator("#fn-sure label").bounding_box()
            assert box["width"] > 100 and box["x"] + box["width"] <= 390
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_told_by_colour_is_told_in_every_scheme(browser: Any, address: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    opened = context.new_page()
    opened.goto(address)
    opened.wait_for_selector("#fn-body textarea", timeout=WAIT)
    opened.hover("#fn-analyse")
    assert opened.evaluate(CONTRAST, "#fn-analyse") >= 4.5

    # Where the system sets the colours: a picture is still one, tints differ, and what is selected looks selected.
    opened.emulate_media(color_scheme=scheme, forced_colors="active")
    styles = "s => [...document.querySelectorAll(s)].map(e => getComputedStyle(e))"
    paper, line, dot = opened.evaluate(
        f"() => ['#fn-result', '.fn-scale i', '.fn-scale b'].map(s => ({styles})(s)[0].backgroundColor)"
    )
    assert len({paper, line, dot}) == 3
    assert "gradient" in opened.evaluate(f"() => ({styles})('.fn-scale u')[0].backgroundImage")
    assert len(set(opened.evaluate(f"() => ({styles})('.fn-sample mark').map(s => s.backgroundColor)"))) == 5
    tabs = opened.evaluate(f"() => ({styles})('#fn-tabs [role=tab]').map(s => s.borderBottomStyle)")
    assert tabs.count("solid") == 1 and tabs[0] == "solid"
    context.close()


def test_a_block_says_without_colour_which_way_it_pulls_and_no_gap_looks_stronger(browser: Any) -> None:
    text = f"{HIDDEN} {HIDDEN} {HIDDEN} {HIDDEN}"
    n = len(HIDDEN)
    weights = [(0, n, 1.0), (n + 1, 2 * n + 1, 0.15), (2 * n + 2, 3 * n + 2, -0.15)]
    context = browser.new_context()
    opened = context.new_page()
    opened.set_content(export.page("Blocks", [render_highlights.highlighted(explanation(text, weights))]))
    for scheme in ("light", "dark"):
        opened.emulate_media(color_scheme=scheme)
        none, *marks = opened.evaluate("""() => {
          const drawing = document.createElement('canvas').getContext('2d');
          const rgb = colour => {
            drawing.fillStyle = colour;
            drawing.fillRect(0, 0, 1, 1);
            return [...drawing.getImageData(0, 0, 1, 1).data];
          };
          const paper = rgb(getComputedStyle(document.body).backgroundColor);
          const far = colour => rgb(colour).reduce((sum, v, i) => sum + Math.abs(v - paper[i]), 0);
          const marks = [...document.querySelectorAll('mark')].map(e => getComputedStyle(e));
          return [
            far(getComputedStyle(document.querySelector('.fn-blocks')).color),
            ...marks.map(s => [far(s.backgroundColor), s.textDecorationStyle, s.textDecorationSkipInk]),
          ];
        }""")
        assert [mark[1:] for mark in marks] == [["solid", "none"], ["solid", "none"], ["dotted", "none"]]
        assert all(mark[0] > none for mark in marks)
    context.close()
