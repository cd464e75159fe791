"""The Reviews tab: everything shared under an owner's key, what reviewers said, how far they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import gradio as gr

from fakenews.engine.errors import InputError
from fakenews.review_sets.store import SetStore
from fakenews.share.links import Visit, owner_set_address, read_query, reader_address, set_address
from fakenews.share.listing import review_lines
from fakenews.share.shared import NOT_SHARED, NotShared, Owned
from fakenews.share.storage import StorageError
from fakenews.share.store import DAYS, ShareStore
from fakenews.ui import render, render_shares
from fakenews.ui.scripts import on_load, script
from fakenews.ui.share import pack
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, address_of, filled, filling, heading, plain, segments, small

if TYPE_CHECKING:
    from fakenews.engine import Engine

ASK = (
    "Sharing an analysis gives two links, one for reviewers and one of your own. What you share from this browser is "
    "remembered by it; anywhere else, open your own link or paste its key here."
)
PICK = "Pick what was shared first."
SURE = "Tick “Delete for good” first: the link and its reviews will be gone."


class Reviews:
    """Handlers of the tab, to which a key may come as its whole address; `build` draws and wires it.

    `filters` are those of the list, as `render_shares.owned` takes them: which of them, words of a title, and the last
    visit.
    """

    def __init__(self, engine: Engine, store: ShareStore, sets: SetStore | None = None) -> None:
        self.engine = engine
        self.store = store
        self.review_sets = sets or SetStore(store)

    def sets(self, key: str | None, request: gr.Request) -> str:
        """Draw the list of review sets of an owner's key; nothing without a key."""
        owner = key_of(key)
        if not owner:
            return ""
        try:
            owned = self.review_sets.owned(owner)
        except StorageError:
            return ""  # the list below says so
        base = address_of(self.engine, request)
        rows = [
            {
                "title": s.title,
                "address": set_address(base, s.id),
                "owner_address": owner_set_address(base, s.id, owner),
                "kind": "blind" if s.blind else "open",
                "articles": f"{s.n_articles - s.n_pending} of {s.n_articles} ready" if s.n_pending else s.n_articles,
                "reviewers": f"{n_reviewers:,}",
                "until": render_shares.day(s.expires),
                "state": "closed" if s.closed else "being prepared" if not s.is_ready else "takes answers",
            }
            for s, n_reviewers in owned
        ]
        return draw("make_set", "listed", rows=rows)

    def show(self, key: str | None, id_: str | None = None, *filters: Any, message: str = "") -> dict[str, Any]:
        """Return list, picker and a sentence for an owner's key; what was picked stays so."""
        try:
            owned = self._owned(key)
        except StorageError as error:
            return _problem(str(error))
        choices = render_shares.choices(owned)
        picked = id_ or (choices[0][1] if choices else None)
        picker = gr.update(choices=choices, value=picked if picked in dict(choices).values() else None)
        listed = render_shares.owned(owned, *filters) if key_of(key) else render.caption(ASK)
        return {"listed": listed, "picked": picker, "message": message}

    def address(self, key: str | None, id_: str | None, request: gr.Request) -> str:
        """Return the link for reviewers of what is picked, to be copied again."""
        if not key_of(key) or not id_:
            return render.problem(PICK)
        try:
            if not self.store.exists(id_):
                return render.problem(NOT_SHARED)
        except StorageError as error:
            return render.problem(str(error))
        return render_shares.again(reader_address(address_of(self.engine, request), id_))

    def expire(self, key: str | None, id_: str | None, days: int, *filters: Any) -> dict[str, Any]:
        """Let what is picked live so many days from now."""
        if not key_of(key) or not id_:
            return _problem(PICK)
        try:
            ends = self.store.expire(key_of(key), id_, int(days))
            sentence = f"{render_shares.named(self.store.get(id_))}: there until {render_shares.day(ends)}."
        except (InputError, NotShared, StorageError) as error:
            return _problem(str(error))
        return self.show(key, id_, *filters, message=render.done(sentence))

    def delete(self, key: str | None, id_: str | None, sure: bool, *filters: Any) -> dict[str, Any]:
        """Delete what is picked, with its reviews."""
        if not key_of(key) or not id_:
            return _problem(PICK)
        if not sure:
            return _problem(SURE)
        try:
            sentence = f"Deleted: {render_shares.named(self.store.get(id_))}. Its link leads nowhere now."
            self.store.delete(key_of(key), id_)
        except (NotShared, StorageError) as error:
            return _problem(str(error))
        return self.show(key, id_, *filters, message=render.done(sentence))

    def export(self, key: str | None) -> str:
        """Return all reviews as JSON lines, packed for the browser."""
        try:
            return pack("fakenews-reviews.jsonl", "application/x-ndjson", review_lines(self._owned(key)))
        except StorageError:
            return ""

    def _owned(self, key: str | None) -> tuple[Owned, ...]:
        return self.store.owned(key_of(key)) if key_of(key) else ()


def key_of(pasted: str | None) -> str:
    """Return the key in what was pasted: itself, or a whole address."""
    value = (pasted or "").strip()
    return read_query(urlsplit(value).query).owner or value


def _problem(sentence: str) -> dict[str, Any]:
    return {"message": render.problem(sentence)}


def build(
    engine: Engine, store: ShareStore, owner: gr.BrowserState, tab: gr.Tab, sets: SetStore | None = None
) -> tuple[Reviews, dict[str, Any]]:
    """Draw the tab inside the current one and wire it; gives its handlers and the components that `visited` fills."""
    reviews = Reviews(engine, store, sets)
    # What is picked is checked by the storage: Gradio would check it against choices that it forgets with its session.
    picking = {**PRIVATE, "preprocess": False}
    last = gr.BrowserState(0, storage_key="fakenews-visit", secret="fakenews")  # milliseconds, of the visit before
    with gr.Row(elem_classes="fn-shareform"):
        key = gr.Textbox(label="Your key or own link", max_lines=1, type="password", elem_id="fn-key")
        show = small("Show", "fn-show")
    review_sets = gr.HTML(elem_id="fn-sets", js_on_load=on_load("copy"))
    with gr.Row(elem_classes="fn-whybar", elem_id="fn-filters"):
        heading("Shared analyses")
        only = segments("Show", "fn-only", render_shares.FILTERS, "all")
        words = gr.Textbox(
            label="Title contains", placeholder="Title contains…", show_label=False, container=False, max_lines=1,
            elem_id="fn-title-words",
        )  # fmt: skip
    listed = gr.HTML(render.caption(ASK), elem_id="fn-owned")
    with gr.Accordion("Link, end and deletion", open=False, elem_classes="fn-whatif", elem_id="fn-manage"):
        picked = gr.Dropdown([], label="Shared", elem_id="fn-picked")
        with gr.Row(elem_classes="fn-shareform"):
            days = gr.Radio([(f"{d} days", d) for d in DAYS], value=DAYS[-1], label="From now", elem_id="fn-more-days")
            sure = gr.Checkbox(False, label="Delete for good", elem_id="fn-sure")
        with gr.Row(elem_classes="fn-actions"):
            link = small("Show link", "fn-link-again")
            expire = plain("Set end", "fn-expire")
            delete = plain("Delete", "fn-delete")
            export = plain("Export reviews (JSONL)", "fn-export-reviews")
    message = gr.HTML(elem_id="fn-reviews-said", js_on_load=on_load("copy"))
    file, since = gr.Textbox(visible=False), gr.State(0)
    parts: dict[str, Any] = {
        "key": key, "listed": listed, "picked": picked, "message": message, "since": since, "sets": review_sets
    }  # fmt: skip
    filters, outputs = [only, words, since], [listed, picked, message]

    def opened(
        request: gr.Request, pasted: str, stored: str | None, id_: str | None, visit: int | None, only: str,
        words: str, since: int,
    ) -> dict[Any, Any]:  # fmt: skip
        known, since = key_of(pasted) or stored or "", since or int(visit or 0)
        values = {**reviews.show(known, id_, only, words, since), "sets": reviews.sets(known, request)}
        now = int(1000 * store.clock()) if known else visit
        return {**filled(parts, {"key": known, "since": since, **values}), last: now}

    gr.on(
        [show.click, key.submit, only.input, words.submit, words.blur],
        filling(parts, reviews.show),
        [key, picked, *filters],
        outputs,
        **picking,
    )
    gr.on([show.click, key.submit], reviews.sets, key, review_sets, **PRIVATE)
    tab.select(opened, [key, owner, picked, last, *filters], [*parts.values(), last], **picking)
    link.click(reviews.address, [key, picked], message, **picking)
    expire.click(filling(parts, reviews.expire), [key, picked, days, *filters], outputs, **picking)
    delete.click(filling(parts, reviews.delete), [key, picked, sure, *filters], [*outputs, sure], **picking)
    export.click(reviews.export, key, file, **PRIVATE).then(None, file, None, js=script("download"), **PRIVATE)
    return reviews, parts


def visited(visit: Visit, reviews: Reviews, request: gr.Request) -> dict[str, Any]:
    """Return what the tab shows to someone who came by an owner's link; nothing changes for anyone else."""
    if not visit.owner:
        return {}
    return {"key": visit.owner, **reviews.show(visit.owner), "sets": reviews.sets(visit.owner, request)}
