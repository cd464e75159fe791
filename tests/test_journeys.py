"""Paste, see why, share, review: once with the keyboard alone, once with a finger on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fakenews.data.registry import load
from tests.running import WAIT, running

pytestmark = pytest.mark.browser

MOST_STOPS = 60  # of the Tab key between two places of the page


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


def tab_to(page: Any, selector: str, key: str = "Tab") -> None:
    """Press the Tab key until what is asked for has focus."""
    for _ in range(MOST_STOPS):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{selector} cannot be reached with {key}")


def focused(page: Any, selector: str) -> None:
    page.wait_for_function("selector => document.activeElement.matches(selector)", arg=selector, timeout=WAIT)


def test_with_the_keyboard_alone(browser: Any, address: str) -> None:
    article = load("demo").iloc[0]["text"]
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#fn-body textarea", timeout=WAIT)

    # Paste and ask: the answer says itself, and focus stands over the article.
    tab_to(page, "#fn-body textarea")
    page.keyboard.insert_text(article)
    page.keyboard.press("Control+Enter")
    focused(page, "#fn-edit")
    page.wait_for_selector("#fn-status .fn-badge", timeout=WAIT)

    # What if: the first word struck out and taken back.
    tab_to(page, "#fn-whatif")
    page.keyboard.press("Enter")
    focused(page, "#fn-highlight [data-key]")
    page.keyboard.press("Space")
    page.wait_for_selector("#fn-highlight .fn-gone", timeout=WAIT)
    page.wait_for_selector("#fn-result :text('before the edit')", timeout=WAIT)
    tab_to(page, "#fn-whatif-done", "Shift+Tab")
    page.keyboard.press("Enter")
    focused(page, "#fn-whatif")
    page.wait_for_selector("#fn-highlight .fn-gone", state="detached", timeout=WAIT)

    # A check opens, a method is picked with the arrows, and the words of both models are there.
    tab_to(page, "#fn-result summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-result details[open]", timeout=WAIT)
    tab_to(page, "#fn-method input")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#fn-status [data-method=LIME] .fn-badge", timeout=WAIT)

    # Share, and review.
    tab_to(page, "#fn-share-open", "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, "#fn-make-link")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-link", timeout=WAIT)
    tab_to(page, "#fn-link")
    page.goto(page.input_value("#fn-link"))
    page.wait_for_selector("#fn-shared-text mark", timeout=WAIT)
    tab_to(page, "#fn-name :is(input,textarea)")
    page.keyboard.insert_text("Ada")
    tab_to(page, "#fn-verdict input")
    page.keyboard.press("Space")
    tab_to(page, "#fn-send")
    page.keyboard.press("Enter")
    page.wait_for_selector("#fn-review-said :text('Thank you')", timeout=WAIT)
    context.close()


def test_with_a_finger_on_a_phone(browser: Any, address: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#fn-result [data-open]", timeout=WAIT)
    page.tap("#fn-result [data-open] >> nth=1")
    page.wait_for_selector("#fn-status .fn-badge", timeout=WAIT)

    # Answer, checks, Share, article, Why: in this order, nothing wider than the screen.
    order = [
        page.locator(s).bounding_box()["y"]
        for s in (".fn-answer", ".fn-checks", "#fn-share-open", ".fn-text", "#fn-method")
    ]
    assert order == sorted(order)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.tap("#fn-highlight mark >> nth=0")
    page.wait_for_selector("#fn-tip:has-text('log-odds towards')", timeout=WAIT)
    page.tap("#fn-whatif")
    page.tap("#fn-highlight mark >> nth=0")
    page.wait_for_selector("#fn-highlight .fn-gone", timeout=WAIT)
    page.tap("#fn-whatif-done")
    page.wait_for_selector("#fn-highlight .fn-gone", state="detached", timeout=WAIT)
    page.tap("#fn-share-open")
    page.tap("#fn-make-link")
    page.wait_for_selector("#fn-link", timeout=WAIT)
    page.goto(page.input_value("#fn-link"))
    page.wait_for_selector("#fn-shared-text mark", timeout=WAIT)
    page.fill("#fn-name :is(input,textarea)", "Eve")
    page.tap("#fn-verdict label >> nth=0")
    page.tap("#fn-send")
    page.wait_for_selector("#fn-review-said :text('Thank you')", timeout=WAIT)
    context.close()
