"""What a link shows: the analysis as it was shared, without asking a model, and a form for the reviewer."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr

from fakenews.engine.errors import InputError
from fakenews.schema import Span
from fakenews.share.review import MAX_SPANS, OPINIONS
from fakenews.share.shared import NotShared, Shared
from fakenews.share.snapshot import Snapshot, changes
from fakenews.share.storage import StorageError
from fakenews.share.store import ShareStore
from fakenews.ui import render, render_highlights, render_shares, render_verdicts, render_words
from fakenews.ui.scripts import on_load, script
from fakenews.ui.why import UNITS
from fakenews.ui.widgets import PRIVATE, filled, filling, heading, segments, small

if TYPE_CHECKING:
    from fakenews.engine import Engine

logger = logging.getLogger(__name__)

MODELS_ASKED = 4  # models a reviewer can agree with; a link holds three unless it was made with more
AGREE = (("agree", "yes"), ("disagree", "no"))
PICK = "Pick one of the three verdicts first."
SELECT = "Select words in the text first, then press “Mark selection”."
NAME = "Your name, or any name"
CHOICES = [(words, key) for key, words in OPINIONS.items()]
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


Shown = dict[str, Any]  # values by the names of the components that show them


def _parts(**shown: Any) -> Shown:
    """Return a value for every component of the view; what is left out is not shown, or stays as it is."""
    hidden = dict.fromkeys(("blind", "article", "analysis", "form", *(f"agree{i}" for i in range(MODELS_ASKED))), HIDE)
    empty = dict.fromkeys(("head", "unread", "cards", "text", "legend", "words", "visitor", "marks", "message"), "")
    return {**hidden, **empty, **shown}


class SharedPage:
    """Handlers of the view; `build` draws and wires it."""

    def __init__(self, engine: Engine, store: ShareStore) -> None:
        self.engine = engine
        self.store = store

    def open(self, id_: str, stored: str | None = "") -> Shown:
        """Return everything drawn for a link and a review begun before, or why there is nothing."""
        visitor = Visitor.read(stored)
        if visitor.id != id_:
            visitor = Visitor(id_)
        try:
            return self.shown(visitor)
        except (NotShared, StorageError) as error:
            return _parts(head=render_shares.nothing(str(error)))
        except Exception as error:
            logger.error("opening a link failed: %s", type(error).__name__)
            return _parts(head=render_shares.nothing(SORRY))

    def shown(self, visitor: Visitor) -> Shown:
        """Return everything that is drawn: as far as a blind reader may see it, or all of it.

        Raises
        ------
        NotShared
        StorageError
        """
        shared = self._shared(visitor)
        snapshot, mine = shared.snapshot, shared.mine
        if shared.hidden:
            return _parts(
                head=render_shares.head(shared, ()),
                unread=render_highlights.plain(snapshot.text),
                blind=SHOW,
                visitor=str(Visitor(visitor.id)),
            )
        models = [p.model for p in snapshot.analysis.predictions][:MODELS_ASKED]
        explained = [e.classifier for e in snapshot.explanations]
        cards = render_verdicts.verdicts(snapshot.analysis, snapshot.titles, snapshot.records)
        first = mine.first_verdict if mine else None
        sent = mine is not None and mine.finished is not None
        asked = {f"agree{i}": gr.update(visible=True, label=snapshot.titles[m]) for i, m in enumerate(models)}
        choices = [(snapshot.titles[m], m) for m in explained]
        return _parts(
            head=render_shares.head(shared, changes(snapshot, self.engine)),
            article=SHOW,
            analysis=SHOW,
            cards=(render_shares.own_words(first, snapshot) if first else "") + cards,
            view=gr.update(choices=choices, value=explained[0] if explained else None),
            form=HIDE if sent else SHOW,
            visitor=str(visitor),
            marks=render_shares.marks(snapshot, _within(snapshot.text, visitor.spans)),
            message=render_shares.thanks(shared) if sent else "",
            **({"name": mine.name, "verdict": first or STAY} if mine else {}),
            **(_drawn(snapshot, explained[0], "word") if explained else {}),
            **asked,
        )

    def drawn(self, stored: str, view: str, unit: render.Unit) -> Shown:
        """Return highlights, legend and top words, or why they are not there."""
        try:
            shared = self._shared(Visitor.read(stored))
        except (NotShared, StorageError) as error:
            return {"legend": render.problem(str(error))}
        return {"legend": STAY} if shared.hidden else _drawn(shared.snapshot, view, unit)

    def begin(self, stored: str, name: str, verdict: str | None) -> Shown:
        """Take a blind verdict and show the models' answers; a sentence, then everything drawn."""
        visitor = Visitor.read(stored)
        try:
            key = self.store.begin(visitor.id, name or "", verdict or "")
            return {"begun": "", **self.shown(Visitor(visitor.id, key))}
        except InputError as error:
            sentence = PICK if verdict is None and (name or "").strip() else str(error)
            return {"begun": render.problem(sentence)}
        except (NotShared, StorageError) as error:
            return {"begun": render.problem(str(error))}

    def mark(self, stored: str, selected: str) -> Shown:
        """Mark what is selected, as "start-end"; marks that touch become one."""

        def marked(text: str, spans: list[Span]) -> tuple[list[Span], str]:
            chosen = _within(text, Visitor.read(f"  {selected}").spans)
            if not chosen:
                return spans, SELECT
            if len(spans) >= MAX_SPANS:
                return spans, f"{MAX_SPANS} stretches are marked, and no more fit: take one away first."
            return _merged([*spans, *chosen]), ""

        return self._marks(stored, marked)

    def unmark(self, stored: str, key: str) -> Shown:
        """Take a mark away."""
        return self._marks(stored, lambda _, spans: ([s for s in spans if f"{s.start}-{s.end}" != key], ""))

    def _marks(self, stored: str, change: Callable[[str, list[Span]], tuple[list[Span], str]]) -> Shown:
        """Return marks as they are drawn after a change of them, which may say something, and the visitor with them."""
        visitor = Visitor.read(stored)
        try:
            snapshot = self._shared(visitor).snapshot
        except (NotShared, StorageError) as error:
            return {"marks": render.problem(str(error))}
        spans, message = change(snapshot.text, _within(snapshot.text, visitor.spans))
        drawn = render_shares.marks(snapshot, spans, message)
        return {"marks": drawn, "visitor": str(replace(visitor, spans=tuple(spans)))}

    def send(self, stored: str, name: str, verdict: str | None, comment: str, *agree: str | None) -> Shown:
        """Store the review; a sentence, and whether the form still stands."""
        if verdict is None and (name or "").strip():
            return {"message": render.problem(PICK)}
        visitor = Visitor.read(stored)
        try:
            shared = self._shared(visitor)
            snapshot = shared.snapshot
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
            return {"message": render.problem(str(error))}
        except Exception as error:
            logger.error("storing a review failed: %s", type(error).__name__)
            return {"message": render.problem(SORRY)}
        return {"message": render_shares.thanks(shared), "form": HIDE}

    def _shared(self, visitor: Visitor) -> Shared:
        return self.store.get(visitor.id, visitor.key)


def _drawn(snapshot: Snapshot, view: str, unit: render.Unit) -> Shown:
    """Return highlights and legend of one model, and the top words of all."""
    found = {e.classifier: e for e in snapshot.explanations}
    if view not in found:
        return {"legend": STAY}
    explanation = found[view]
    method = snapshot.titles[explanation.explainer]
    graded = explanation.grade is not None
    legend = render_highlights.key() + render_highlights.legend(explanation, snapshot.titles[view], method, graded)
    words = "" if snapshot.redacted else render_words.top_words([(snapshot.titles[m], e) for m, e in found.items()])
    text = render_highlights.highlighted(explanation, unit, snapshot.unread)
    return {"text": text, "legend": legend, "words": words}


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


def build(engine: Engine, store: ShareStore) -> tuple[SharedPage, gr.Textbox, dict[str, Any]]:
    """Draw the view and wire it; gives its handlers, what the script `resume` and what `SharedPage.open` fill."""
    tab, parts = SharedPage(engine, store), SimpleNamespace()
    parts.visitor = gr.Textbox(visible=False)
    with gr.Column(elem_id="fn-shared"):
        parts.head = gr.HTML(elem_id="fn-shared-head")
        with gr.Row(elem_classes="fn-columns"):
            with gr.Column(scale=7):
                parts.unread = gr.HTML(elem_id="fn-shared-blind-text")
                with gr.Column(visible=False, elem_id="fn-shared-article") as parts.article:
                    with gr.Row(elem_classes="fn-whybar"):
                        parts.view = segments("Model shown", "fn-shared-view", [])
                        parts.unit = segments("Unit", "fn-shared-unit", UNITS, "word")
                    parts.text = gr.HTML(elem_id="fn-shared-text", js_on_load=on_load("selection") + on_load("words"))
                    parts.legend = gr.HTML(elem_id="fn-shared-legend")
            with gr.Column(scale=5, elem_id="fn-shared-beside"):
                _blind_form(parts)
                with gr.Column(visible=False, elem_id="fn-shared-analysis") as parts.analysis:
                    parts.cards = gr.HTML(elem_id="fn-shared-cards")
                _form(parts)
                parts.message = gr.HTML(elem_id="fn-review-said")
                parts.words = gr.HTML(elem_id="fn-shared-top")
    _wire(tab, parts)
    return tab, parts.visitor, _drawn_parts(parts)


def _blind_form(parts: SimpleNamespace) -> None:
    with gr.Column(visible=False, elem_id="fn-blind-form", elem_classes="fn-review") as parts.blind:
        heading("Your verdict first")
        parts.first_name = gr.Textbox(label=NAME, max_lines=1, elem_id="fn-first-name")
        parts.first = gr.Radio(CHOICES, value=None, label="The article", elem_id="fn-first-verdict")
        with gr.Row(elem_classes="fn-actions"):
            parts.begin = small("See what the models say", "fn-begin", variant="primary")
        parts.begun = gr.HTML(elem_id="fn-begin-said")


def _form(parts: SimpleNamespace) -> None:
    with gr.Column(visible=False, elem_id="fn-review", elem_classes="fn-review") as parts.form:
        heading("Your review")
        parts.name = gr.Textbox(label=NAME, max_lines=1, elem_id="fn-name")
        parts.verdict = gr.Radio(CHOICES, value=None, label="The article", elem_id="fn-verdict")
        with gr.Row(elem_classes="fn-shareform"):
            for i in range(MODELS_ASKED):
                asked = gr.Radio(list(AGREE), value=None, visible=False, label="Model")
                setattr(parts, f"agree{i}", asked)
        parts.marks = gr.HTML(elem_id="fn-marks", js_on_load=on_load("open"))
        with gr.Row(elem_classes="fn-actions"):
            parts.mark = small("Mark selection", "fn-mark")
        parts.selected = gr.Textbox(visible=False)
        parts.comment = gr.Textbox(label="Comment", lines=3, max_lines=8, elem_id="fn-comment")
        with gr.Row(elem_classes="fn-actions"):
            parts.send = small("Send review", "fn-send", variant="primary")


def _drawn_parts(parts: SimpleNamespace) -> dict[str, Any]:
    """Return the components that `SharedPage.open` fills, by name."""
    return {name: getattr(parts, name) for name in (*_parts(), "view", "name", "verdict")}


def _wire(tab: SharedPage, parts: SimpleNamespace) -> None:
    components: dict[str, Any] = vars(parts)

    def unmark(stored: str, event: gr.EventData) -> dict[Any, Any]:
        return filled(components, tab.unmark(stored, str(event.key)))

    def kept(event: Any, focus: str) -> None:
        event.then(None, visitor, None, js=script("keep", focus=focus), **PRIVATE)

    visitor, explained = parts.visitor, [parts.text, parts.legend, parts.words]
    outputs = [parts.begun, *_drawn_parts(parts).values()]
    kept(
        parts.begin.click(filling(components, tab.begin), [visitor, parts.first_name, parts.first], outputs, **PRIVATE),
        "#fn-shared-head h1",
    )
    # Which models there are is checked above: Gradio would check it against choices that it forgets with its session.
    unchecked: dict[str, Any] = {"queue": False, "preprocess": False, **PRIVATE}
    gr.on(
        [parts.view.input, parts.unit.input],
        filling(components, tab.drawn),
        [visitor, parts.view, parts.unit],
        explained,
        **unchecked,
    )
    marks, quick = [parts.marks, visitor], {"queue": False, **PRIVATE}
    kept(
        parts.mark.click(
            filling(components, tab.mark), [visitor, parts.selected], marks, js=script("selected"), **quick
        ),
        "#fn-mark",
    )
    kept(parts.marks.click(unmark, visitor, marks, **quick), "#fn-mark")
    form = [visitor, parts.name, parts.verdict, parts.comment]
    form += [components[f"agree{i}"] for i in range(MODELS_ASKED)]
    sent = parts.send.click(filling(components, tab.send), form, [parts.message, parts.form], **PRIVATE)
    kept(sent, "#fn-review-said [role=status]")
