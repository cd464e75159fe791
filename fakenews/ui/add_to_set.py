"""Add the article that was analyzed to a review set of this browser, or begin a new set with it."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr

from fakenews.engine.errors import InputError
from fakenews.reporting.digits import counted
from fakenews.review_sets.values import MAX_TITLE, NewItem
from fakenews.share.links import owner_set_address, set_address
from fakenews.share.shared import NotShared
from fakenews.share.storage import StorageError
from fakenews.ui import render
from fakenews.ui.scripts import script
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, address_of, filled, small

if TYPE_CHECKING:
    from fakenews.engine import Engine
    from fakenews.review_sets.preparing import Preparer
    from fakenews.ui.shown import Shown

logger = logging.getLogger(__name__)

NEW = ""  # in place of a set's id
FIRST = "Analyze an article first; then it can be added to a review set."
SORRY = "Something went wrong on our side; nothing was added. Please try again."


class AddToSet:
    """Handlers of the form; `draw_form` draws and `wire` wires it."""

    def __init__(self, engine: Engine, preparer: Preparer) -> None:
        self.engine = engine
        self.preparer = preparer

    def choices(self, owner: str | None, picked: str | None) -> dict[str, Any]:
        """Return the sets of an owner that are not closed; what was picked stays so, else it is the latest one."""
        try:
            owned = self.preparer.sets.owned(owner) if owner else ()
        except StorageError:
            owned = ()
        found = [(f"{s.title} ({counted(s.n_articles, 'article')})", s.id) for s, _ in owned if not s.closed]
        ids = [id_ for _, id_ in found]
        picked = picked if picked in ids else (ids or [NEW])[0]
        choices = [*found, ("New set…", NEW)]
        return {"picked": gr.update(choices=choices, value=picked), "title": gr.update(visible=picked == NEW)}

    def add(
        self, shown: Shown | None, id_: str | None, title: str, owner: str | None, request: gr.Request
    ) -> dict[str, Any]:
        """Add what is shown to a set, or to a new one of that title; both links, and the owner's key to be kept."""
        if shown is None:
            return {"message": render.problem(FIRST)}
        sets, item = self.preparer.sets, NewItem(shown.text)
        try:
            if id_ and owner:
                sets.add(owner, id_, [item])
            else:
                models = shown.asked if shown.asked != self.engine.pool.defaults else ()
                link = sets.create([item], title=title or "", owner=owner or "", models=models)
                id_, owner = link.id, link.owner
            self.preparer.wake()
            found = sets.get(id_)
        except (InputError, NotShared, StorageError) as error:
            return {"message": render.problem(str(error))}
        except Exception as error:
            logger.error("adding to a review set failed: %s", type(error).__name__)  # its message could quote the text
            return {"message": render.problem(SORRY)}
        base, count = address_of(self.engine, request), counted(found.n_articles, "article")
        links = {"address": set_address(base, id_), "owner_address": owner_set_address(base, id_, owner)}
        message = draw("make_set", "added", title=found.title, count=count, **links)
        return {"message": message, "owner": owner, **self.choices(owner, id_)}


def draw_form() -> SimpleNamespace:
    """Draw the form inside the current panel."""
    parts = SimpleNamespace()
    with (
        gr.Accordion("Add to a review set", open=False, elem_id="fn-add-set", elem_classes="fn-whatif") as parts.fold,
        gr.Row(elem_classes="fn-shareform"),
    ):
        parts.picked = gr.Dropdown([("New set…", NEW)], value=NEW, label="Review set", elem_id="fn-set-picked")
        parts.title = gr.Textbox(
            label="Title of the new set", max_lines=1, max_length=MAX_TITLE, elem_id="fn-set-title"
        )
        parts.add = small("Add", "fn-set-add")
    return parts


def wire(
    parts: SimpleNamespace,
    adding: AddToSet,
    shown: gr.State,
    owner: gr.BrowserState,
    message: gr.HTML,
) -> None:
    """Have the form say which sets there are when it is unfolded, and add to them."""
    components: dict[str, Any] = {**vars(parts), "owner": owner, "message": message}
    # What is picked is checked by the storage: Gradio would check it against choices that it forgets with its session.
    picking: dict[str, Any] = {**PRIVATE, "preprocess": False}

    def choices(owner: str | None, picked: str | None) -> dict[Any, Any]:
        return filled(components, adding.choices(owner, picked))

    def add(request: gr.Request, shown: Any, id_: str | None, title: str, owner: str | None) -> dict[Any, Any]:
        return filled(components, adding.add(shown, id_, title, owner, request))

    def name(picked: str | None) -> Any:
        return gr.update(visible=not picked)

    parts.fold.expand(choices, [owner, parts.picked], [parts.picked, parts.title], **picking)
    parts.picked.input(name, parts.picked, parts.title, queue=False, **picking)
    outputs = [message, owner, parts.picked, parts.title]
    parts.add.click(
        add,
        [shown, parts.picked, parts.title, owner],
        outputs,
        concurrency_limit=2,
        **picking,
    ).then(None, None, None, js=script("seen", what="#fn-shared-link"), **PRIVATE)
