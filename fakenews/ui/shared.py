"""What a link shows: the analysis as it was shared, without asking a model, and a form for the reviewer."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from fakenews.schema import Span
from fakenews.services import InputError
from fakenews.share.review import MAX_SPANS, OPINIONS
from fakenews.share.snapshot import changes
from fakenews.share.store import NotShared, Shared, ShareStore, StorageError
from fakenews.ui import render, render_shares
from fakenews.ui.analyse import OPEN, UNITS

if TYPE_CHECKING:
    from fakenews.services import Services

logger = logging.getLogger(__name__)

MODELS_ASKED = 4  # models a reviewer can agree with; a link holds three unless it was made with more
AGREE = (("agree", "yes"), ("disagree", "no"))
THANKS = "Thank you: your review is stored, and whoever shared this can see it."
SHOW, HIDE, STAY = gr.update(visible=True), gr.update(visible=False), gr.skip()
SORRY = "Something went wrong on our side; what you wrote is still here. Please try again."

# Remembers what was last selected in the text, as characters; marks are drawn over the text without changing it.
SELECTION = """
const root = element;
const inText = () => root.querySelector('.fn-text');
const length = s => [...s].length;
document.addEventListener('selectionchange', () => {
  const text = inText(), s = getSelection();
  if (!text || !s.rangeCount || s.isCollapsed || !text.contains(s.anchorNode) || !text.contains(s.focusNode)) return;
  const range = s.getRangeAt(0), before = document.createRange();
  before.selectNodeContents(text);
  before.setEnd(range.startContainer, range.startOffset);
  const start = length(before.toString());
  window.fnSelected = start + '-' + (start + length(range.toString()));
});
const draw = () => {
  const list = document.querySelector('#fn-marks [data-spans]'), text = inText();
  if (!window.Highlight || !text) return;
  const spans = list ? list.dataset.spans.split(' ').map(s => s.split('-').map(Number)) : [];
  const ranges = spans.map(([from, to]) => {
    const range = document.createRange();
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    let at = 0, node;
    while ((node = walker.nextNode())) {
      const chars = [...node.data], end = at + chars.length;
      if (from >= at && from < end) range.setStart(node, chars.slice(0, from - at).join('').length);
      if (to > at && to <= end) { range.setEnd(node, chars.slice(0, to - at).join('').length); break; }
      at = end;
    }
    return range;
  });
  CSS.highlights.set('fn-mine', new Highlight(...ranges));
};
new MutationObserver(draw).observe(document.body, {childList: true, subtree: true});
"""


@dataclass(slots=True)
class Visitor:
    """Who looks at a shared analysis, and what has been done so far; kept on the server, one per session."""

    id: str
    shared: Shared
    key: str = ""
    name: str = ""
    verdict: str = ""
    spans: list[Span] = field(default_factory=list)


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
    visitor: Visitor | None = None
    name: Any = STAY
    verdict: Any = STAY
    marks: str = ""
    agree: tuple[Any, ...] = ()

    def values(self) -> tuple[Any, ...]:
        """One value for every output, questions about models last."""
        *parts, agree = self
        return (*parts, *agree, *[HIDE] * (MODELS_ASKED - len(agree)))


class SharedPage:
    """Handlers of the view; `build` draws and wires it."""

    def __init__(self, services: Services, store: ShareStore) -> None:
        self.services = services
        self.store = store

    def open(self, id_: str) -> tuple[Any, ...]:
        """Everything drawn for a link, or the sentence that says why there is nothing."""
        try:
            visitor = Visitor(id_, self.store.get(id_))
        except (NotShared, StorageError) as error:
            return _nothing(str(error))
        except Exception as error:
            logger.error("opening a link failed: %s", type(error).__name__)
            return _nothing(SORRY)
        return self.shown(visitor)

    def shown(self, visitor: Visitor) -> tuple[Any, ...]:
        """Everything that is drawn: as far as a blind reader may see it, or all of it."""
        snapshot = visitor.shared.snapshot
        if visitor.shared.hidden:
            return Parts(
                head=render_shares.head(visitor.shared, ()),
                unread=render.plain(snapshot.text),
                blind=SHOW,
                visitor=visitor,
            ).values()
        models = [p.model for p in snapshot.analysis.predictions][:MODELS_ASKED]
        explained = [e.classifier for e in snapshot.explanations]
        cards = render.verdicts(snapshot.analysis, snapshot.titles, snapshot.records)
        text, legend, words = self.drawn(visitor, explained[0], "word") if explained else ("", "", "")
        return Parts(
            head=render_shares.head(visitor.shared, changes(snapshot, self.services)),
            analysis=SHOW,
            cards=(render_shares.own_words(visitor.verdict, snapshot) if visitor.verdict else "") + cards,
            view=gr.update(
                choices=[(snapshot.titles[m], m) for m in explained], value=explained[0] if explained else None
            ),
            text=text,
            legend=legend,
            words=words,
            form=SHOW,
            visitor=visitor,
            name=visitor.name or gr.skip(),
            verdict=visitor.verdict or gr.skip(),
            marks=render_shares.marks(snapshot, visitor.spans),
            agree=tuple(gr.update(visible=True, label=snapshot.titles[m], value=None) for m in models),
        ).values()

    def drawn(self, visitor: Visitor | None, view: str, unit: render.Unit) -> tuple[Any, Any, Any]:
        """Highlights, legend and strongest words."""
        if visitor is None or visitor.shared.hidden:
            return gr.skip(), gr.skip(), gr.skip()
        snapshot = visitor.shared.snapshot
        found = {e.classifier: e for e in snapshot.explanations}
        if view not in found:
            return gr.skip(), gr.skip(), gr.skip()
        explanation = found[view]
        method = snapshot.titles[explanation.explainer]
        legend = render.legend(explanation, snapshot.titles[view], method)
        if explanation.grade is not None:
            legend += render.grade(explanation, method)
        words = "" if snapshot.redacted else render.top_words([(snapshot.titles[m], e) for m, e in found.items()])
        return render.highlighted(explanation, unit, snapshot.unread), legend, words

    def begin(self, visitor: Visitor | None, name: str, verdict: str | None) -> tuple[Any, ...]:
        """Take a blind verdict and show the models' answers; a sentence, then everything drawn."""
        stay = [STAY] * len(Parts().values())
        if visitor is None:
            return ("", *stay)
        try:
            visitor.key = self.store.begin(visitor.id, name or "", verdict or "")
            visitor.shared = self.store.get(visitor.id, visitor.key)
        except InputError as error:
            told = "Pick one of the three verdicts first." if verdict is None and (name or "").strip() else str(error)
            return (render.problem(told), *stay)
        except (NotShared, StorageError) as error:
            return (render.problem(str(error)), *stay)
        visitor.name, visitor.verdict = name, verdict or ""
        return ("", *self.shown(visitor))

    def mark(self, visitor: Visitor | None, selected: str) -> tuple[Any, Any]:
        """Mark what is selected, as «start-end»; marks that touch become one."""
        if visitor is None:
            return gr.skip(), gr.skip()
        start, _, end = (selected or "").partition("-")
        text = visitor.shared.snapshot.text
        if start.isdigit() and end.isdigit() and int(start) < int(end) <= len(text) and len(visitor.spans) < MAX_SPANS:
            visitor.spans = _merged([*visitor.spans, Span(int(start), int(end))])
        return render_shares.marks(visitor.shared.snapshot, visitor.spans), visitor

    def unmark(self, visitor: Visitor | None, key: str) -> tuple[Any, Any]:
        """Take a mark away."""
        if visitor is None:
            return gr.skip(), gr.skip()
        visitor.spans = [s for s in visitor.spans if f"{s.start}-{s.end}" != key]
        return render_shares.marks(visitor.shared.snapshot, visitor.spans), visitor

    def send(
        self, visitor: Visitor | None, name: str, verdict: str | None, comment: str, *agree: str | None
    ) -> tuple[str, Any]:
        """Store the review; a sentence, and whether the form still stands."""
        if visitor is None:
            return "", gr.skip()
        models = [p.model for p in visitor.shared.snapshot.analysis.predictions][:MODELS_ASKED]
        if verdict is None and (name or "").strip():
            return render.problem("Pick one of the three verdicts first."), gr.skip()
        try:
            self.store.review(
                visitor.id,
                name=name or "",
                verdict=verdict or "",
                agree={m: a == "yes" for m, a in zip(models, agree, strict=False) if a is not None},
                spans=visitor.spans,
                comment=comment or "",
                key=visitor.key,
            )
        except (InputError, NotShared, StorageError) as error:
            return render.problem(str(error)), gr.skip()
        except Exception as error:
            logger.error("storing a review failed: %s", type(error).__name__)
            return render.problem(SORRY), gr.skip()
        return render.caption(THANKS), gr.update(visible=False)


def _nothing(sentence: str) -> tuple[Any, ...]:
    back = '<p class="fn-read"><a href="/">Analyse an article of your own</a></p>'
    return Parts(head=render.problem(sentence) + back).values()


def _merged(spans: list[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start, s.end)):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def build(services: Services, store: ShareStore) -> tuple[SharedPage, list[Any]]:
    """Draw the view and wire it; gives its handlers and what `SharedPage.open` fills."""
    tab = SharedPage(services, store)
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    opinions = [(words, key) for key, words in OPINIONS.items()]
    visitor = gr.State(None)
    with gr.Column(elem_id="fn-shared"):
        head = gr.HTML(elem_id="fn-shared-head")
        unread = gr.HTML(elem_id="fn-shared-blind-text")
        with gr.Column(visible=False, elem_id="fn-blind-form", elem_classes="fn-review") as blind:
            gr.HTML("<h2>Your verdict first</h2>")
            first_name = gr.Textbox(label="Your name, or any name", max_lines=1, elem_id="fn-first-name")
            first = gr.Radio(opinions, value=None, label="The article", elem_id="fn-first-verdict")
            with gr.Row(elem_classes="fn-actions"):
                begin = gr.Button("See what the models say", elem_id="fn-begin", size="sm", variant="primary")
            begun = gr.HTML(elem_id="fn-begin-said")
        with gr.Column(visible=False, elem_id="fn-shared-analysis") as analysis:
            cards = gr.HTML(elem_id="fn-shared-cards")
            with gr.Row(elem_classes="fn-whybar"):
                gr.HTML("<h2>Why</h2>")
                view = gr.Radio(
                    [], show_label=False, container=False, elem_classes="fn-seg", elem_id="fn-shared-view",
                    label="Model shown",
                )  # fmt: skip
                unit = gr.Radio(
                    list(UNITS), value="word", show_label=False, container=False, elem_classes="fn-seg",
                    elem_id="fn-shared-unit", label="Unit",
                )  # fmt: skip
            text = gr.HTML(elem_id="fn-shared-text", js_on_load=SELECTION)
            legend = gr.HTML(elem_id="fn-shared-legend")
            words = gr.HTML(elem_id="fn-shared-top")
        with gr.Column(visible=False, elem_id="fn-review", elem_classes="fn-review") as form:
            gr.HTML("<h2>Your review</h2>")
            marks = gr.HTML(elem_id="fn-marks", js_on_load=OPEN)
            with gr.Row(elem_classes="fn-actions"):
                mark = gr.Button("Mark selection", elem_id="fn-mark", size="sm")
            selected = gr.Textbox(visible=False)
            name = gr.Textbox(label="Your name, or any name", max_lines=1, elem_id="fn-name")
            verdict = gr.Radio(opinions, value=None, label="The article", elem_id="fn-verdict")
            with gr.Row(elem_classes="fn-shareform"):
                agree = [gr.Radio(list(AGREE), value=None, visible=False, label="Model") for _ in range(MODELS_ASKED)]
            comment = gr.Textbox(label="Comment", lines=3, max_lines=8, elem_id="fn-comment")
            with gr.Row(elem_classes="fn-actions"):
                send = gr.Button("Send review", elem_id="fn-send", size="sm", variant="primary")
        said = gr.HTML(elem_id="fn-review-said")
    outputs = [
        head, unread, blind, analysis, cards, view, text, legend, words, form, visitor, name, verdict, marks, *agree,
    ]  # fmt: skip
    begin.click(tab.begin, [visitor, first_name, first], [begun, *outputs], **private)
    gr.on([view.input, unit.input], tab.drawn, [visitor, view, unit], [text, legend, words], queue=False, **private)
    mark.click(
        tab.mark, [visitor, selected], [marks, visitor], js="(v, _) => [v, window.fnSelected ?? '']", queue=False,
        **private,
    )  # fmt: skip

    def unmarked(state: Visitor | None, event: gr.EventData) -> tuple[Any, Any]:
        return tab.unmark(state, str(event.key))

    marks.click(unmarked, visitor, [marks, visitor], queue=False, **private)
    send.click(tab.send, [visitor, name, verdict, comment, *agree], [said, form], **private)
    return tab, outputs
