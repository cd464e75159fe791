"""Share and export beneath an analysis: nothing is stored before the button is pressed, and exports never are."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import gradio as gr

from fakenews.engine.errors import InputError
from fakenews.engine.scheduler import Lane
from fakenews.engine.values import ExplanationRequest
from fakenews.share.links import owner_address, reader_address
from fakenews.share.snapshot import Snapshot, take
from fakenews.share.storage import StorageError
from fakenews.share.store import DAYS, ShareStore
from fakenews.ui import add_to_set, export, render, render_shares
from fakenews.ui.scripts import on_load, script
from fakenews.ui.shown import Shown
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, address_of, plain, small

if TYPE_CHECKING:
    from fakenews.engine import Engine
    from fakenews.review_sets.preparing import Preparer

logger = logging.getLogger(__name__)

FIRST = "Analyze an article first; then it can be shared or exported."
SORRY = "Something went wrong on our side; nothing was stored. Please try again."
FORMATS = (("Report (HTML)", "html"), ("Data (JSON)", "json"), ("Words (CSV)", "csv"))


class Share:
    """Handlers of the panel; `build` draws and wires it."""

    def __init__(self, engine: Engine, store: ShareStore) -> None:
        self.engine = engine
        self.store = store

    def snapshot(self, shown: Shown) -> Snapshot:
        """Return what the visitor looks at, completed by what has not been worked out yet."""
        explainers = self.engine.explainers
        with self.engine.scheduler.slot(Lane.EXPLANATION):
            if shown.analysis.formatting is None:
                shown.analysis = shown.analysis.tested(self.engine.judge.formatting_test(shown.text, shown.asked))
            for model in shown.models:
                if model not in shown.explanations:
                    request = ExplanationRequest(shown.text, model, explainers.method(model))
                    shown.explanations[model] = explainers.explain(request)
        return take(self.engine, shown.analysis, [shown.explanations[m] for m in shown.models])

    def share(
        self, shown: Shown | None, redact: bool, blind: bool, days: int, owner: str | None, request: gr.Request
    ) -> tuple[str, Any]:
        """Store what is shown; both links, and the owner's key for the browser to keep."""
        if shown is None:
            return render.problem(FIRST), gr.skip()
        try:
            link = self.store.share(self.snapshot(shown), owner=owner or "", redact=redact, blind=blind, days=int(days))
        except (InputError, StorageError) as error:
            return render.problem(str(error)), gr.skip()
        except Exception as error:
            logger.error("sharing failed: %s", type(error).__name__)  # its message could quote the article
            return render.problem(SORRY), gr.skip()
        base = address_of(self.engine, request)
        links = reader_address(base, link.id), owner_address(base, link.owner)
        return render_shares.link(*links, link.expires, redact, blind), link.owner

    def export(self, shown: Shown | None, format_: str) -> tuple[str, str]:
        """Return a sentence, and the file packed for the browser."""
        if shown is None:
            return render.problem(FIRST), ""
        try:
            return "", packed(self.snapshot(shown), format_)
        except Exception as error:
            logger.error("exporting failed: %s", type(error).__name__)
            return render.problem(SORRY), ""


def packed(snapshot: Snapshot, format_: str) -> str:
    """Return an analysis as a file, packed for the script `download`."""
    content, media = export.write(snapshot, format_)
    return pack(export.file_name(snapshot, format_), media, content)


def pack(name: str, media: str, content: str) -> str:
    """Return a file, packed for the script `download`."""
    return json.dumps({"name": name, "type": media, "content": content})


def pack_bytes(name: str, media: str, content: bytes) -> str:
    """Return a file that is no text, packed for the script `download`."""
    return json.dumps({"name": name, "type": media, "bytes": b64encode(content).decode()})


def build(engine: Engine, store: ShareStore, shown: gr.State, owner: gr.BrowserState, preparer: Preparer) -> gr.HTML:
    """Draw the buttons and what they unfold inside the current column, and wire them; gives what says how it went."""
    panel = Share(engine, store)
    with gr.Row(elem_classes="fn-actions"):
        opens = {
            "share": small("Share with reviewers", "fn-share-open", variant="primary"),
            "export": small("Export", "fn-export-open"),
            "models": plain("Models", "fn-models-open"),
        }
        for panel_name, button in opens.items():
            button.click(None, None, None, js=script("panel", panel=panel_name), **PRIVATE)
    with gr.Column(elem_id="fn-share", elem_classes="fn-panel"):
        gr.HTML(draw("shares", "intro"))
        with gr.Row(elem_classes="fn-shareform"):
            redact = gr.Checkbox(False, label="Leave the text out", elem_id="fn-redact")
            blind = gr.Checkbox(False, label="Reviewers judge first (blind)", elem_id="fn-blind")
        with gr.Row(elem_classes="fn-shareform"):
            days = gr.Radio([(f"{d} days", d) for d in DAYS], value=DAYS[-1], label="Link lives", elem_id="fn-days")
            make = small("Create link", "fn-make-link")
        adding = add_to_set.draw_form()
    with gr.Column(elem_id="fn-export", elem_classes="fn-panel"), gr.Row(elem_classes="fn-actions"):
        buttons = [plain(name, f"fn-export-{f}") for name, f in FORMATS]
    message = gr.HTML(elem_id="fn-shared-link", js_on_load=on_load("copy"))
    file = gr.Textbox(visible=False)
    add_to_set.wire(adding, add_to_set.AddToSet(engine, preparer), shown, owner, message)
    for this, other in ((redact, blind), (blind, redact)):
        this.input(_either, this, other, queue=False, **PRIVATE)
    make.click(panel.share, [shown, redact, blind, days, owner], [message, owner], concurrency_limit=2, **PRIVATE).then(
        None, None, None, js=script("seen", what="#fn-shared-link"), **PRIVATE
    )
    for button, (_, format_) in zip(buttons, FORMATS, strict=True):

        def write(state: Shown | None, format_: str = format_) -> tuple[str, str]:
            return panel.export(state, format_)

        button.click(write, shown, [message, file], concurrency_limit=2, **PRIVATE).then(
            None, file, None, js=script("download"), **PRIVATE
        )
    return message


def _either(chosen: bool) -> Any:
    """Return a box that cannot be ticked while the other one is."""
    return gr.update(interactive=not chosen)
