"""The whole page: a name, four tabs, one style."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fakenews.data.registry import load
from fakenews.services import Services
from fakenews.ui import about, analyse, compare, dataset, style

TITLE = "fakenews: paste an article, see both models and why"
NO_MODELS = (
    "No trained model is here: «fakenews train tfidf --data PATH» makes one, and FAKENEWS_MODELS names their folder."
)


def build_app(services: Services) -> gr.Blocks:
    """Build the page; nothing is loaded but the demo articles and the committed figures."""
    blocks = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600))
    with blocks:
        gr.HTML('<a href="/">fakenews</a>', elem_id="fn-brand")
        if not services.models:
            gr.HTML(f'<p class="fn-problem">{NO_MODELS}</p>')
            return blocks
        with gr.Tabs(elem_id="fn-tabs", selected="analyse") as tabs:
            with gr.Tab("Analyse", id="analyse"):
                tab = analyse.build(services, load("demo"), blocks)
            with gr.Tab("Dataset", id="dataset") as second:
                filled = dataset.build(services, tab, tabs)
            with gr.Tab("Compare", id="compare"):
                compare.build(services)
            with gr.Tab("About", id="about"):
                about.build(services)
        if filled:
            second.select(*filled, api_visibility="private", show_progress="hidden")
    return blocks


# Keyword arguments of `gr.mount_gradio_app` that make the page look as it should.
PAGE: dict[str, Any] = {"theme": style.theme(), "css_paths": style.CSS, "head": style.HEAD}
