"""Make a review set of the articles of a corpus, or of a scored table: a panel with its form, links and progress."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from fakenews.data import registry
from fakenews.engine.errors import InputError
from fakenews.metrics.evaluation import predict_labels
from fakenews.reporting.digits import counted
from fakenews.review_sets.sampling import SEED, choose, new_items
from fakenews.review_sets.values import MAX_ARTICLES, MAX_INSTRUCTIONS, MAX_TITLE
from fakenews.share.links import owner_set_address, set_address
from fakenews.share.shared import NotShared
from fakenews.share.storage import StorageError
from fakenews.share.store import DAYS
from fakenews.ui import reading, render, render_shares
from fakenews.ui.measured import AS_SHIPPED, View, view_of
from fakenews.ui.scripts import on_load, script
from fakenews.ui.templates import draw
from fakenews.ui.widgets import PRIVATE, address_of, filled, filling, plain, small

if TYPE_CHECKING:
    import pandas as pd

    from fakenews.engine import Engine
    from fakenews.review_sets.preparing import Preparer
    from fakenews.ui.jobs import Jobs
    from fakenews.ui.measured import Measured

logger = logging.getLogger(__name__)

N = 40  # articles of a sample that are offered
SORRY = "Something went wrong on our side; no review set was made. Please try again."
TICKED, ERRORS, ALL, RANDOM, CLASSES, CELLS = "selected", "errors", "all", "random", "labels", "cells"
SAMPLES = (RANDOM, CLASSES, CELLS)  # ways that ask for a number
WAYS = {
    ERRORS: "All misclassified",
    RANDOM: "Random sample",
    CLASSES: "Balanced by class",
    CELLS: "Balanced by confusion cell",
}
NEUTRAL = "Reviewers see it first, so it should not tell what the models got wrong."
IDS_ONLY = "The set keeps ids and checksums, and shows the texts of the corpus on this server."
LOCKED = "The license of this corpus is not known to allow copies, so its texts are not stored with the set."
OTHERWISE = "The set shows the answers of the models as shipped, which the figures above are not of."
FIELDS = ("title", "instructions", "blind", "days", "by", "n", "seed", "ids_only", "labels")
Shown = dict[str, Any]  # values by the names of the components that show them


class Form(NamedTuple):
    """What is filled in."""

    title: str = ""
    instructions: str = ""
    blind: bool = True
    days: int = DAYS[-1]
    by: str = RANDOM
    n: float | None = N
    seed: float | None = SEED
    ids_only: bool = False
    labels: bool = True  # whether the labels of a table go into the set


class Source(NamedTuple):
    """Articles that a set can be made of, as `sampling.choose` takes them."""

    frame: pd.DataFrame
    corpus: str = ""  # empty for a table
    models: tuple[str, ...] = ()  # those the set asks; empty for the default ones
    ids: tuple[str, ...] = ()  # of the articles that are ticked


class Made(NamedTuple):
    """A set that is being prepared."""

    id: str
    title: str
    started: float  # seconds, by `time.monotonic`
    deleted: bool = False  # by whoever made it, just now

    @property
    def farewell(self) -> str:
        """Return what is said of a set that is deleted."""
        return f"“{self.title}” is deleted, and its links lead nowhere now."


class Maker:
    """Handlers of a panel: `create`, `progress`, `cancel`."""

    def __init__(self, engine: Engine, preparer: Preparer, prefix: str = "fn-set") -> None:
        self.engine = engine
        self.preparer = preparer
        self.prefix = prefix

    def create(self, source: Callable[[], Source], form: Form, owner: str | None, base: str) -> Shown:
        """Store a set of the articles that `source` gives, or say why there is none; both links, and its progress."""
        try:
            frame, corpus, models, ids = source()
            n = int(form.n or 0) if form.by in SAMPLES else None
            seed = None if form.seed is None else int(form.seed)
            chosen = choose(frame, RANDOM if form.by == ALL else form.by, n, seed, ids=ids)
            keep_text = not (corpus and form.ids_only)
            items, left_out = new_items(self.engine, chosen.frame, corpus, keep_text)
            link = self.preparer.sets.create(
                items, title=form.title or "", instructions=form.instructions or "", blind=form.blind,
                days=int(form.days), owner=owner or "", models=models,
            )  # fmt: skip
        except (InputError, StorageError, ValueError, LookupError) as error:
            return {"problem": render.problem(str(error))}
        except Exception as error:
            logger.error("making a review set failed: %s", type(error).__name__)  # its message could quote an article
            return {"problem": render.problem(SORRY)}
        self.preparer.wake()
        made = Made(link.id, " ".join(form.title.split()), time.monotonic())
        links = draw(
            "make_set", "links", prefix=self.prefix, title=made.title, count=counted(len(items), "article"),
            sentences=" ".join(filter(None, (chosen.sentence, left_out))), address=set_address(base, link.id),
            owner_address=owner_set_address(base, link.id, link.owner), until=render_shares.day(link.expires),
        )  # fmt: skip
        return {"problem": "", "links": links, "owner": link.owner, "made": made, **self.progress(made)}

    def progress(self, made: Made | None) -> Shown:
        """Return how far a set is, and whether to look again."""
        if made is None:
            return _over("")
        if made.deleted:  # this look was on its way when it was cancelled, or began right after
            return _over(render.done(made.farewell))
        try:
            found = self.preparer.sets.get(made.id)
        except NotShared:
            return _over(render.done(made.farewell))
        except StorageError as error:
            return {"status": render.problem(str(error)), "timer": gr.Timer(active=True)}
        ready = found.n_articles - found.n_pending
        if not found.n_pending:
            return _over(render.done(f"{counted(found.n_articles, 'article')} ready: reviewers can begin."))
        seconds = (time.monotonic() - made.started) * found.n_pending / max(ready, 1)
        left = f", {_about(seconds)} left" if ready else ""
        status = draw("make_set", "progress", ready=ready, total=found.n_articles, left=left)
        return {"status": status, "timer": gr.Timer(active=True)}

    def cancel(self, made: Made | None, owner: str | None) -> Shown:
        """Delete a set that is being prepared, and say so."""
        if made is None:
            return _over("")
        try:
            self.preparer.sets.delete(owner or "", made.id)
        except (NotShared, StorageError) as error:
            return {"problem": render.problem(str(error))}
        made = made._replace(deleted=True)
        return {"problem": "", "links": "", "made": made, **self.progress(made)}


def _over(status: str) -> Shown:
    return {"status": status, "timer": gr.Timer(active=False)}


def _about(seconds: float) -> str:
    return f"about {max(seconds, 1):.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"


def new_title(name: str) -> str:
    """Return the title that is offered for a set: one that tells reviewers nothing of the models."""
    return f"{name}, {datetime.now(UTC).date().isoformat()}"[:MAX_TITLE]


def build(engine: Engine, preparer: Preparer, owner: gr.BrowserState, name: str, *, corpus: bool) -> SimpleNamespace:
    """Draw the panel that the button `fn-{name}-open` unfolds; its components by name.

    Parameters
    ----------
    corpus : bool
        Whether the articles are those of a corpus, which may be kept by their ids, and not those of a table.
    """
    parts, prefix = SimpleNamespace(owner=owner, name=name), f"fn-{name}"
    parts.maker = Maker(engine, preparer, prefix)
    ways = [("Ticked articles", TICKED), *((words, key) for key, words in WAYS.items())] if corpus else (
        [("All rows", ALL), (WAYS[RANDOM], RANDOM), (WAYS[CLASSES], CLASSES)]
    )  # fmt: skip
    with gr.Column(elem_id=prefix, elem_classes="fn-panel fn-setform"):
        gr.HTML(draw("make_set", "intro", most=MAX_ARTICLES))
        parts.note = gr.HTML()
        with gr.Row(elem_classes="fn-shareform"):
            parts.by = gr.Dropdown(
                ways, value=ERRORS if corpus else ALL, label="Which articles", elem_id=f"{prefix}-by"
            )
            parts.n = gr.Number(
                N, precision=0, label=f"How many, up to {MAX_ARTICLES}", visible=False, elem_id=f"{prefix}-n"
            )
            parts.seed = gr.Number(SEED, precision=0, label="Seed", visible=False, elem_id=f"{prefix}-seed")
        parts.title = gr.Textbox(
            label="Title", max_lines=1, max_length=MAX_TITLE, info=NEUTRAL, elem_id=f"{prefix}-title"
        )
        parts.instructions = gr.Textbox(
            label="Instructions", lines=2, max_lines=8, max_length=MAX_INSTRUCTIONS, elem_id=f"{prefix}-instructions",
            placeholder="Optional: what reviewers should know before they begin",
        )  # fmt: skip
        with gr.Row(elem_classes="fn-shareform fn-ticks"):
            parts.blind = gr.Checkbox(
                True,
                label="Blind",
                info="Reviewers judge before they see the models' answers.",
                elem_id=f"{prefix}-blind",
            )
            parts.ids_only = gr.Checkbox(
                False, label="Store ids only", info=IDS_ONLY, visible=corpus, elem_id=f"{prefix}-ids"
            )
            parts.labels = gr.Checkbox(
                False, label="Use the labels of the table", info=" ", visible=False, elem_id=f"{prefix}-labels"
            )
        with gr.Row(elem_classes="fn-shareform"):
            parts.days = gr.Radio(
                [(f"{d} days", d) for d in DAYS], value=DAYS[-1], label="Link lives", elem_id=f"{prefix}-days"
            )
            parts.create = small("Create review set", f"{prefix}-create", variant="primary")
        parts.problem = gr.HTML(elem_id=f"{prefix}-problem")
        parts.links = gr.HTML(elem_id=f"{prefix}-links", js_on_load=on_load("copy"))
        with gr.Row(elem_classes="fn-progressrow"):
            parts.status = gr.HTML(elem_id=f"{prefix}-status")
            parts.stop = small("Cancel and delete", f"{prefix}-cancel", elem_classes="fn-cancel")
    parts.made, parts.timer, parts.offered = gr.State(None), gr.Timer(1.0, active=False), gr.State("")
    return parts


def opener(name: str) -> gr.Button:
    """Draw the quiet button that unfolds a panel."""
    button = plain("Make a review set", f"fn-{name}-open")
    button.click(None, None, None, js=script("panel", panel=name), **PRIVATE)
    return button


def wire(parts: SimpleNamespace, read: Callable[..., Source], given: Sequence[Any]) -> None:
    """Have the panel make sets of what `read` gives for the values of the components `given`."""
    components: dict[str, Any] = vars(parts)
    maker: Maker = parts.maker
    shown = [components[name] for name in ("problem", "links", "owner", "made", "status", "timer")]
    seen = [components[name] for name in ("status", "timer")]

    def create(request: gr.Request, owner: str | None, *values: Any) -> dict[Any, Any]:
        form, rest = Form(*values[: len(FIELDS)]), values[len(FIELDS) :]
        base = address_of(maker.engine, request)
        return filled(components, maker.create(lambda: read(form, *rest), form, owner, base))

    # One at a time, so that a look at the last set does not end the looks at the one that is created meanwhile.
    in_order: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "make-set-status", **PRIVATE}
    fields = [components[name] for name in FIELDS]
    created = parts.create.click(create, [parts.owner, *fields, *given], shown, **in_order)
    created.then(None, None, None, js=script("seen", what=f"#fn-{parts.name}-status"), **PRIVATE)
    parts.timer.tick(filling(components, maker.progress), parts.made, seen, **in_order)
    parts.stop.click(filling(components, maker.cancel), [parts.made, parts.owner], shown, queue=False, **PRIVATE)
    parts.by.change(_numbers, parts.by, [parts.n, parts.seed], queue=False, **PRIVATE)


def wire_corpus(
    parts: SimpleNamespace, measured: Measured, opens: gr.Button, picked: Sequence[Any], ticked: gr.Textbox
) -> None:
    """Have the panel make sets of the articles that are looked at; `picked` show the fields of `View`, in order."""
    of_corpus, components, n = OfCorpus(measured), vars(parts), len(picked)

    def offer(*values: Any) -> dict[Any, Any]:
        return filled(components, of_corpus.offer(view_of(values[:n]), *values[n:]))

    outputs = [components[name] for name in ("by", "title", "offered", "note", "create", "ids_only")]
    inputs = [*picked, ticked, parts.by, parts.title, parts.offered]
    changes = [picked[View._fields.index(name)].change for name in ("corpus", "protocol", "split", "model")]
    gr.on([opens.click, ticked.change, *changes], offer, inputs, outputs, trigger_mode="always_last", **PRIVATE)
    wire(parts, lambda form, ticked, *values: of_corpus.read(view_of(values), ticked), [ticked, *picked])


def wire_table(parts: SimpleNamespace, jobs: Jobs, opens: gr.Button, key: gr.BrowserState) -> None:
    """Have the panel make sets of the rows of the table that was scored under a key."""
    of_table, components = OfTable(jobs), vars(parts)
    outputs = [components[name] for name in ("by", "title", "offered", "note", "create", "labels")]
    inputs = [key, parts.by, parts.title, parts.offered]
    opens.click(filling(components, of_table.offer), inputs, outputs, **PRIVATE)
    wire(parts, lambda form, key: of_table.read(key, form.labels, form.by), [key])


def _numbers(by: str) -> tuple[Any, Any]:
    shown = gr.update(visible=by in SAMPLES)
    return shown, shown


def _offer(name: str, title: str, offered: str, problem: str = "", note: str = "") -> Shown:
    """Return the title for articles of that name unless one was written, and why no set can be made."""
    new = new_title(name)
    return {
        "title": new if title in ("", offered) else title,
        "offered": new,
        "note": render.problem(problem) if problem else render.caption(note) if note else "",
        "create": gr.update(interactive=not problem),
    }


class OfCorpus:
    """Articles of the corpus that is looked at on the Dataset tab."""

    def __init__(self, measured: Measured) -> None:
        self.measured = measured

    def offer(self, view: View, selected: str, by: str, title: str, offered: str) -> Shown:
        """Return what the panel offers for a view: ways to choose, a title, whether texts may be stored."""
        problem, free, n = self._problem(view), registry.may_be_copied(view.corpus), len(selected.split())
        ways = [(words, key) for key, words in WAYS.items()]
        ways = [(f"{counted(n, 'ticked article')}", TICKED), *ways] if n else ways
        by = TICKED if n else ERRORS if by == TICKED else by
        note = OTHERWISE if view.protocol != AS_SHIPPED else ""
        return {
            **_offer(reading.title_of(view.corpus), title, offered, problem, note),
            "by": gr.update(choices=ways, value=by),
            "ids_only": gr.update(value=not free, interactive=free, info=IDS_ONLY if free else LOCKED),
        }

    def read(self, view: View, selected: str) -> Source:
        """Return the articles of a view with what its model says of them.

        Raise `InputError` if they are not here.
        """
        if problem := self._problem(view):
            raise InputError(problem)
        frame = self.measured.sliced(self.measured.scored(view), view).frame
        frame = frame.assign(predicted=predict_labels(frame["p_fake"], view.threshold))
        usual = self.measured.engine.pool.defaults
        models = () if view.model in usual else (*usual, view.model)
        return Source(frame, view.corpus, models, tuple(selected.split()))

    def _problem(self, view: View) -> str:
        try:
            if self.measured.to_score(view):
                return "The model has not read these articles yet: a set can be made once the figures are here."
            scored = self.measured.scored(view)
        except (ValueError, LookupError) as error:
            return str(error)
        return "" if scored.has_text else f"A review set cannot be made here. {scored.hint}"


class OfTable:
    """Rows of the table that was scored on the Batch tab."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def offer(self, key: str | None, by: str, title: str, offered: str) -> Shown:
        """Return what the panel offers for a table: ways to choose, a title, how its labels would be read."""
        try:
            job, frame, notes = self.jobs.articles(key)
        except (InputError, ValueError, OSError) as error:
            return _offer("Table", title, offered, str(error))
        n = len(frame)
        ways = [(f"All {counted(n, 'row')}", ALL)] if n <= MAX_ARTICLES else []
        ways += [(WAYS[RANDOM], RANDOM), *([(WAYS[CLASSES], CLASSES)] if notes else [])]
        by = by if by in dict(ways).values() and offered else ways[0][1]
        return {
            **_offer(job.name.rpartition(".")[0] or job.name, title, offered),
            "by": gr.update(choices=ways, value=by),
            "labels": gr.update(value=bool(notes), visible=bool(notes), info=notes or " "),
        }

    def read(self, key: str | None, labels: bool, by: str) -> Source:
        """Return the rows of a table, with their labels if they are wanted or it is balanced by them."""
        job, frame, _ = self.jobs.articles(key)
        with_labels = labels or by == CLASSES or "label" not in frame
        usual = self.jobs.engine.pool.defaults
        models = job.task.models if job.task.models != usual else ()
        return Source(frame if with_labels else frame.drop(columns="label"), "", models)
