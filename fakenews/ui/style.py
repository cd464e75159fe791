"""Theme and style sheet of the page: system fonts, one accent, orange for fake and blue for real in both themes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from fakenews.ui.scripts import ASSETS, script
from fakenews.ui.templates import draw

if TYPE_CHECKING:
    import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
PAGE_CSS = ("content", "tables", "page", "dataset", "compare", "shares")
REPORT_CSS = ("content", "tables", "report")
SET_CSS = ("content", "tables", "shares", "review_set")
SET_REPORT_CSS = ("content", "tables", "report", "set_report")


def sheet(names: Sequence[str]) -> str:
    """Return style sheets as they are sent: one after another, without comments and indentation."""
    css = "".join((ASSETS / f"{name}.css").read_text(encoding="utf-8") for name in names)
    return re.sub(r"\n\s*", "\n", re.sub(r"/\*.*?\*/", "", css, flags=re.S))


@cache
def document_style(names: tuple[str, ...]) -> Markup:
    """Return the style of a document, small, and dark by the reader's choice."""
    dark = r"@media(prefers-color-scheme:dark){:root\1}"
    css = re.sub(r"^\.dark (\{.*?^\})", dark, sheet(names), flags=re.M | re.S)
    return Markup(re.sub(r"\s+", " ", css).replace("</", "<\\/"))


def head() -> str:
    """Return what goes into the head of the page: a style and its scripts."""
    code = "\n".join((script("tip"), script("page")))
    return draw("page", "head", style=Markup(sheet(["head"])), script=Markup(code))


def theme() -> gr.themes.Base:
    """Return a bare theme: the palette through Gradio's own variables, so that its components follow."""
    import gradio as gr

    return gr.themes.Base(font=SANS, font_mono=MONO).set(
        body_background_fill="var(--fn-paper)",
        body_background_fill_dark="var(--fn-paper)",
        body_text_color="var(--fn-ink)",
        body_text_color_dark="var(--fn-ink)",
        body_text_color_subdued="var(--fn-soft)",
        body_text_color_subdued_dark="var(--fn-soft)",
        background_fill_primary="var(--fn-paper)",
        background_fill_primary_dark="var(--fn-paper)",
        background_fill_secondary="var(--fn-wash)",
        background_fill_secondary_dark="var(--fn-wash)",
        border_color_primary="var(--fn-line)",
        border_color_primary_dark="var(--fn-line)",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
        input_background_fill="var(--fn-paper)",
        input_background_fill_dark="var(--fn-paper)",
        input_placeholder_color="var(--fn-soft)",
        input_placeholder_color_dark="var(--fn-soft)",
        button_secondary_background_fill_hover="var(--fn-wash)",
        button_secondary_background_fill_hover_dark="var(--fn-wash)",
        color_accent="var(--fn-ink)",
        color_accent_soft="var(--fn-wash)",
        color_accent_soft_dark="var(--fn-wash)",
        loader_color="var(--fn-ink)",
    )
