"""What a link shows: the analysis as it was shared, without asking a model, and a form for the reviewer."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from fakenews.engine.errors import InputError
from fakenews.schema import Span
from fakenews.share.review import MAX_SPANS, OPINIONS
from fakenews.share.shared import NotShared, Shared
from fakenews.share.snapshot import Snapshot, changes
from fakenews.share.store import ShareStore, StorageError
from fakenews.ui import render, render_highlights, render_shares, render_verdicts, render_words
from fakenews.ui.scripts import on_load, script
from fakenews.ui.why import UNITS
from fakenews.ui.widgets import PRIVATE, heading, segments, small

if TYPE_CHECKING:
    from fakenews.engine import Engine

logger = logging.getLogger(__name__)

MODELS_ASKED = 4  # models a reviewer can agree with; a link holds three unless it was made with more
AGREE = (("agree", "yes"), ("disagree", "no"))
PICK = "Pick one of the three verdicts first."
SELECT = "Select words in the text first, then press “Mark selection”."
THANKS = "Thank you: your review is stored, and whoever shared this can see it."
SHOW, HIDE, STAY = gr.update(visible=True), gr.update(visible=False), gr.skip()
_PLACE = re.compile(r"(\d{1,7})-(\d{1,7})")
SORRY = "Something went wrong on our side; what you wrote is still here. Please try again."


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a shared analysis, and what has been done so far.

    The browser keeps it, as text, so that it outlives the server; what it says is checked here whenever it comes.
    """

    id: str = ""
    key: str = ""  # of the review that was begun
    spans: tuple[Span, ...] = ()

    @classmethod
    def read(cls, stored: str | None) -> Visitor:
        """Return the inverse of `str`; whatever is not understood is left out."""
        id_, _, rest = (stored or "").partition(" ")
        key, _, places = rest.partition(" ")
        spans = (Span(int(start), int(end)) for start, end in _PLACE.findall(places))
        return cls(id_, key, tuple(s for s in spans if s.start < s.end))

    def __str__(self) -> str:
        """Return id, key and marks, with spaces between."""
        return " ".join((self.id, self.key, *(f"{s.start}-{s.end}" for s in self.spans)))


class Parts(NamedTuple):
    """What the view shows, in the order of its outputs; what is left out is not shown, or stays as it is."""

    head: str = ""
    unread: str = ""
    blind: Any = HIDE
    analysis: Any = HIDE
    cards: str = ""
    view: Any = STAY
    text: Any = ""
    legend: Any = ""
    words: Any = ""
    form: Any = HIDE
    visitor: str = ""
    name: Any = STAY
    verdict: Any = STAY
    marks: str = ""
    message: str = ""
    agree: tuple[Any, ...] = ()

    def values(self) -> tuple[Any, ...]:
        """Return one value for every output, questions about models last."""
        *parts, agree = self
        return (*parts, *agree, *[HIDE] * (MODELS_ASKED - len(agree)))


class SharedPage:
    """Handlers of the view; `build` draws and wires it."""

    def __init__(self, engine: Engine, store: ShareStore) -> None:
        self.engine = engine
        self.store = store

    def open(self, id_: str, stored: str | None = "") -> tuple[Any, ...]:
        """Return everything drawn for a link and a review begun before, or why there is nothing."""
        visitor = Visitor.read(stored)
        if visitor.id != id_:
            visitor = Visitor(id_)
        try:
            return self.shown(visitor)
        except (NotShared, StorageError) as error:
            return _nothing(str(error))
        except Exception as error:
            logger.error("opening a link failed: %s", type(error).__name__)
            return _nothing(SORRY)

    def shown(self, visitor: Visitor) -> tuple[Any, ...]:
        """Return everything that is drawn: as far as a blind reader may see it, or all of it.

        Raises
        ------
        NotShared
        StorageError
        """
        shared = self._shared(visitor)
        snapshot, mine = shared.snapshot, shared.mine
        if shared.hidden:
            return Parts(
                head=render_shares.head(shared, ()),
                unread=render_highlights.plain(snapshot.text),
                blind=SHOW,
                visitor=str(Visitor(visitor.id)),
            ).values()
        models = [p.model for p in snapshot.analysis.predictions][:MODELS_ASKED]
        explained = [e.classifier for e in snapshot.explanations]
        cards = render_verdicts.verdicts(snapshot.analysis, snapshot.titles, snapshot.records)
        text, legend, words = _drawn(snapshot, explained[0], "word") if explained else ("", "", "")
        first = mine.first_verdict if mine else None
        sent = mine is not None and mine.finished is not None
        return Parts(
            head=render_shares.head(shared, changes(snapshot, self.engine)),
            analysis=SHOW,
            cards=(render_shares.own_words(first, snapshot) if first else "") + cards,
            view=gr.update(
                choices=[(snapshot.titles[m], m) for m in explained], value=explained[0] if explained else None
            ),
            text=text,
            legend=legend,
            words=words,
            form=HIDE if sent else SHOW,
            visitor=str(visitor),
            name=mine.name if mine else STAY,
            verdict=first or STAY,
            marks=render_shares.marks(snapshot, _within(snapshot.text, visitor.spans)),
            message=render.done(THANKS) if sent else "",
            agree=tuple(gr.update(visible=True, label=snapshot.titles[m], value=None) for m in models),
        ).values()

    def drawn(self, stored: str, view: str, unit: render.Unit) -> tuple[Any, Any, Any]:
        """Return highlights, legend and top words, or why they are not there."""
        try:
            shared = self._shared(Visitor.read(stored))
        except (NotShared, StorageError) as error:
            return STAY, render.problem(str(error)), STAY
        return (STAY,) * 3 if shared.hidden else _drawn(shared.snapshot, view, unit)

    def begin(self, stored: str, name: str, verdict: str | None) -> tuple[Any, ...]:
        """Take a blind verdict and show the models' answers; a sentence, then everything drawn."""
        visitor = Visitor.read(stored)
        stay = [STAY] * len(Parts().values())
        try:
            key = self.store.begin(visitor.id, name or "", verdict or "")
            return ("", *self.shown(Visitor(visitor.id, key)))
        except InputError as error:
            sentence = PICK if verdict is None and (name or "").strip() else str(error)
            return (render.problem(sentence), *stay)
        except (NotShared, StorageError) as error:
            return (render.problem(str(error)), *stay)

    def mark(self, stored: str, selected: str) -> tuple[Any, Any]:
        """Mark what is selected, as "start-end"; marks that touch become one."""

        def marked(text: str, spans: list[Span]) -> tuple[list[Span], str]:
            chosen = _within(text, Visitor.read(f"  {selected}").spans)
            if not chosen:
                return spans, SELECT
            if len(spans) >= MAX_SPANS:
                return spans, f"{MAX_SPANS} stretches are marked, and no more fit: take one away first."
            return _merged([*spans, *chosen]), ""

        return self._marks(stored, marked)

    def unmark(self, stored: str, key: str) -> tuple[Any, Any]:
        """Take a mark away."""
        return self._marks(stored, lambda _, spans: ([s for s in spans if f"{s.start}-{s.end}" != key], ""))

    def _marks(self, stored: str, change: Callable[[str, list[Span]], tuple[list[Span], str]]) -> tuple[Any, Any]:
        """Return marks as they are drawn after a change of them, which may say something, and the visitor with them."""
        visitor = Visitor.read(stored)
        try:
            snapshot = self._shared(visitor).snapshot
        except (NotShared, StorageError) as error:
            return render.problem(str(error)), STAY
        spans, message = change(snapshot.text, _within(snapshot.text, visitor.spans))
        return render_shares.marks(snapshot, spans, message), str(replace(visitor, spans=tuple(spans)))

    def send(self, stored: str, name: str, verdict: str | None, comment: str, *agree: str | None) -> tuple[str, Any]:
        """Store the review; a sentence, and whether the form still stands."""
        if verdict is None and (name or "").strip():
            return render.problem(PICK), STAY
        visitor = Visitor.read(stored)
        try:
            snapshot = self._shared(visitor).snapshot
            models = [p.model for p in snapshot.analysis.predictions][:MODELS_ASKED]
            self.store.review(
                visitor.id,
                name=name or "",
                verdict=verdict or "",
                agree={m: a == "yes" for m, a in zip(models, agree, strict=False) if a is not None},
                spans=_within(snapshot.text, visitor.spans),
                comment=comment or "",
                key=visitor.key,
            )
        except (InputError, NotShared, StorageError) as error:
            return render.problem(str(error)), STAY
        except Exception as error:
            logger.error("storing a review failed: %s", type(error).__name__)
            return render.problem(SORRY), STAY
        return render.done(THANKS), HIDE

    def _shared(self, visitor: Visitor) -> Shared:
        return self.store.get(visitor.id, visitor.key)


def _nothing(sentence: str) -> tuple[Any, ...]:
    return Parts(head=render_shares.nothing(sentence)).values()


def _drawn(snapshot: Snapshot, view: str, unit: render.Unit) -> tuple[Any, Any, Any]:
    """Return highlights and legend of one model, and the top words of all."""
    found = {e.classifier: e for e in snapshot.explanations}
    if view not in found:
        return (STAY,) * 3
    explanation = found[view]
    method = snapshot.titles[explanation.explainer]
    graded = explanation.grade is not None
    legend = render_highlights.key() + render_highlights.legend(explanation, snapshot.titles[view], method, graded)
    words = "" if snapshot.redacted else render_words.top_words([(snapshot.titles[m], e) for m, e in found.items()])
    return render_highlights.highlighted(explanation, unit, snapshot.unread), legend, words


def _within(text: str, spans: Sequence[Span]) -> list[Span]:
    """Return the stretches that hold something of the text."""
    return [s for s in spans if text[s.start : s.end].strip() and s.end <= len(text)]


def _merged(spans: list[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def build(engine: Engine, store: ShareStore) -> tuple[SharedPage, gr.Textbox, list[Any]]:
    """Draw the view and wire it; gives its handlers, what the script `resume` and what `SharedPage.open` fill."""
    tab = SharedPage(engine, store)
    opinions = [(words, key) for key, words in OPINIONS.items()]
    visitor = gr.Textbox(visible=False)
    with gr.Column(elem_id="fn-shared"):
        head = gr.HTML(elem_id="fn-shared-head")
        unread = gr.HTML(elem_id="fn-shared-blind-text")
        with gr.Column(visible=False, elem_id="fn-blind-form", elem_classes="fn-review") as blind:
            heading("Your verdict first")
            first_name = gr.Textbox(label="Your name, or any name", max_lines=1, elem_id="fn-first-name")
            first = gr.Radio(opinions, value=None, label="The article", elem_id="fn-first-verdict")
            with gr.Row(elem_classes="fn-actions"):
                begin = small("See what the models say", "fn-begin", variant="primary")
            begun = gr.HTML(elem_id="fn-begin-said")
        with gr.Column(visible=False, elem_id="fn-shared-analysis") as analysis:
            cards = gr.HTML(elem_id="fn-shared-cards")
            with gr.Row(elem_classes="fn-whybar"):
                heading("Why")
                view = segments("Model shown", "fn-shared-view", [])
                unit = segments("Unit", "fn-shared-unit", UNITS, "word")
            text = gr.HTML(elem_id="fn-shared-text", js_on_load=on_load("selection"))
            legend = gr.HTML(elem_id="fn-shared-legend")
            words = gr.HTML(elem_id="fn-shared-top")
        with gr.Column(visible=False, elem_id="fn-review", elem_classes="fn-review") as form:
            heading("Your review")
            marks = gr.HTML(elem_id="fn-marks", js_on_load=on_load("open"))
            with gr.Row(elem_classes="fn-actions"):
                mark = small("Mark selection", "fn-mark")
            selected = gr.Textbox(visible=False)
            name = gr.Textbox(label="Your name, or any name", max_lines=1, elem_id="fn-name")
            verdict = gr.Radio(opinions, value=None, label="The article", elem_id="fn-verdict")
            with gr.Row(elem_classes="fn-shareform"):
                agree = [gr.Radio(list(AGREE), value=None, visible=False, label="Model") for _ in range(MODELS_ASKED)]
            comment = gr.Textbox(label="Comment", lines=3, max_lines=8, elem_id="fn-comment")
            with gr.Row(elem_classes="fn-actions"):
                send = small("Send review", "fn-send", variant="primary")
        message = gr.HTML(elem_id="fn-review-said")
    outputs = [
        head, unread, blind, analysis, cards, view, text, legend, words, form, visitor, name, verdict, marks, message,
        *agree,
    ]  # fmt: skip
    begin.click(tab.begin, [visitor, first_name, first], [begun, *outputs], **PRIVATE).then(
        None, visitor, None, js=script("keep", focus="#fn-shared-head h1"), **PRIVATE
    )
    # Which models there are is checked above: Gradio would check it against choices that it forgets with its session.
    gr.on(
        [view.input, unit.input], tab.drawn, [visitor, view, unit], [text, legend, words], queue=False,
        preprocess=False, **PRIVATE,
    )  # fmt: skip

    def unmarked(stored: str, event: gr.EventData) -> tuple[Any, Any]:
        return tab.unmark(stored, str(event.key))

    for marked in (
        mark.click(tab.mark, [visitor, selected], [marks, visitor], js=script("selected"), queue=False, **PRIVATE),
        marks.click(unmarked, visitor, [marks, visitor], queue=False, **PRIVATE),
    ):
        marked.then(None, visitor, None, js=script("keep", focus="#fn-mark"), **PRIVATE)
    send.click(tab.send, [visitor, name, verdict, comment, *agree], [message, form], **PRIVATE).then(
        None, visitor, None, js=script("keep", focus="#fn-review-said [role=status]"), **PRIVATE
    )
    return tab, visitor, outputs
