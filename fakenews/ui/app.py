"""The whole page: a name, tabs, what a link shows instead of them, one style."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fakenews.data.registry import load
from fakenews.engine import Engine
from fakenews.review_sets.preparing import CorpusTexts, Preparer
from fakenews.review_sets.store import SetStore
from fakenews.share.links import read_query
from fakenews.share.store import ShareStore
from fakenews.ui import about, analyse, batch, compare, dataset, endpoints, render, reviews, shared, style
from fakenews.ui.scripts import script
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, filled

TITLE = "fakenews: paste an article, see both models and why"
NO_MODELS = (
    "No trained model is here: “fakenews train tfidf --data PATH” makes one, and FAKENEWS_MODELS names their folder."
)


def build_app(engine: Engine, store: ShareStore, preparer: Preparer | None = None) -> endpoints.Page:
    """Build the page; nothing is loaded but the demo articles and the committed figures."""
    preparer = preparer or Preparer(engine, SetStore(store, CorpusTexts(engine)))
    blocks = endpoints.Page(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600))
    with blocks:
        gr.HTML(draw("page", "brand"), elem_id="fn-brand")
        if not engine.pool.models:
            gr.HTML(render.problem(NO_MODELS))
            return blocks
        endpoints.build(engine)  # first, because the page's own functions would take their names
        owner = gr.BrowserState("", storage_key="fakenews-owner", secret="fakenews")
        with gr.Column(elem_id="fn-linked"):
            linked, reader, linked_parts = shared.build(engine, store)
        with gr.Column(elem_id="fn-main"), gr.Tabs(elem_id="fn-tabs", selected="analyse") as tabs:
            with gr.Tab("Analyse", id="analyse"):
                tab = analyse.build(engine, store, load("demo"), blocks, owner, preparer)
            with gr.Tab("Dataset", id="dataset") as second:
                shown = dataset.build(engine, tab, tabs, preparer, owner)
            with gr.Tab("Compare", id="compare"):
                compare.build(engine)
            with gr.Tab("Batch", id="batch") as table:
                blocks.tidy = batch.build(engine, table, preparer, owner).tidy
            with gr.Tab("Reviews", id="reviews") as reviewed:
                own, own_parts = reviews.build(engine, store, owner, reviewed, preparer.sets)
            with gr.Tab("About", id="about"):
                about.build(engine)
        if shown:
            shown(second.select)

        def visited(stored: str, request: gr.Request) -> dict[Any, Any]:
            visit = read_query(str(request.query_params))
            opened = filled(linked_parts, linked.open(visit.id, stored)) if visit.id else {}
            own_values = filled(own_parts, reviews.visited(visit, own, request))
            return {tabs: gr.Tabs(selected="reviews") if visit.owner else gr.skip(), **opened, **own_values}

        outputs = [*linked_parts.values(), *own_parts.values(), tabs]
        blocks.load(visited, reader, outputs, js=script("resume"), **PRIVATE)
    return blocks


# Keyword arguments of `gr.mount_gradio_app` that make the page look as it should.
PAGE: dict[str, Any] = {"theme": style.theme(), "css": style.sheet(style.PAGE_CSS), "head": style.head()}
