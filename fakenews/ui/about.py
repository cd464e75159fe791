"""The About tab: what this is, what it cannot do, what happens to a pasted text, how the models were made."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import gradio as gr

from fakenews.classifiers.base import Calibration
from fakenews.data.registry import DATASETS
from fakenews.engine import Engine
from fakenews.reporting.digits import METRIC_NAMES, Metric, metric_text, size_text
from fakenews.share.store import DAYS
from fakenews.ui import render
from fakenews.verdict import MIN_WORDS, UNDECIDED

MAX_DAYS = DAYS[-1]
_COLUMNS: tuple[Metric, ...] = ("accuracy", "roc_auc", "ece")


def build(engine: Engine) -> None:
    """Draw the tab inside the current one."""
    gr.HTML(page(engine), elem_id="fn-about")


def page(engine: Engine) -> str:
    """The text of the tab, figures from the committed evaluations."""
    low, high = UNDECIDED
    return f"""<div class="fn-about">
<h2>What it says, and what it does not</h2>
<p>The models learnt first from ISOT, a corpus of articles from 2015 to 2018 that are labelled by publisher: one news
agency is the real class, a list of flagged sites the fake one. Several smaller corpora, each with its own idea of fake,
were added; below stands which model saw which. A verdict says which of the two classes a text <em>resembles</em>. It is
no statement on whether the text is true, and a publisher the models have never seen may land on either side.</p>
<h2>What the probability means</h2>
<p>It is calibrated on whole corpora that were left out of training one by one, together with unseen articles of
publishers seen in training. So it holds for the text that people paste most: an article of a publisher that no model
has seen. The more a text is like the first training corpus, the more a score is worth. Beside a verdict stands how
many articles of publishers never seen in training that scored alike were labeled fake. The corpora do not agree where
the line lies: hyperpartisan pieces that one calls fake, fact-checkers of another found mostly true.</p>
<h2>Why the figures on other demos are too good</h2>
<p>In that corpus the agency's name in brackets alone separates the classes almost perfectly, and the curly quotation
marks of the fake half were lost when the files were made. Here every text is cleaned by the same function at training
and on this page, without knowing its class: datelines, agency names, photo and "via" credits, addresses, handles,
quotation marks and dashes are neutralised first. Struck words in the highlights were removed by it.</p>
<h2>How the models do</h2>
{_results(engine)}
<p class="fn-meta">95 % bootstrap intervals in brackets. The Dataset tab shows every error, the Compare tab every
model.</p>
<h2>When it declines</h2>
<ul><li>fewer than {MIN_WORDS} words were left to read,</li>
<li>the text is not English, or lies further from the training data than all but a few held-out articles,</li>
<li>the probability lies between {100 * low:.0f}% and {100 * high:.0f}%. The upper bound is further from one half,
because calling a real article fake does more harm than the reverse,</li>
<li>the models contradict each other,</li>
<li>on the held-out articles most like it, its verdicts were clearly more often wrong than right (the whole
interval of their errors lies above one half),</li>
<li>or an edit of formatting alone, such as a dateline or another kind of quotation mark, turns the answer round. That
test runs right after the verdict and takes it back where it fails.</li></ul>
<h2>What the highlights are</h2>
<p>Every word gets a weight on the scale of log-odds: how far it moved the model towards either class. <b>Quick</b>
gives the exact weights of the TF-IDF model and integrated gradients for TinyBERT. <b>LIME</b> fits a linear model to
the scores of many variants with words removed; <b>SHAP</b> shares the score out between sentences and words. They
answer different questions and need not agree. They explain the model, not the world.</p>
<h2>Privacy</h2>
<p>A pasted text is held in memory while your page is open and is written nowhere: not to disk, not to a log. Nothing is
sent to any other machine, there is no analytics and no history. The page loads nothing from elsewhere.</p>
<p><b>Share</b> is the exception, and only when it is pressed: then the text, or with "Leave the text out" only the
highlights and numbers, stays on this server for as long as you choose, {MAX_DAYS} days at most. The link cannot be
guessed, is kept from search engines, and what it shows can be deleted with your own link; whoever has the link can read
it. Reviewers give a name of their choice; their words stay with the analysis and go with it. Your browser remembers
your key so that all your reviews stand together. A table scored under <b>Batch</b> lies on the server until it is
scored, the result for an hour.</p>
<h2>The models</h2>
{_models(engine)}
<h2>Code and licence</h2>
<p>Code and models: Apache-2.0. The demo articles are fiction written for this project; any likeness is chance. The
corpora remain their owners' and are not part of it.</p></div>"""


def _results(engine: Engine) -> str:
    rows = []
    for model in engine.pool.defaults:
        evidence = engine.evidence.evaluation(model)
        if evidence is None:
            continue
        home = [(name.removesuffix("/test"), e) for name, e in evidence.corpora.items() if name.endswith("/test")]
        for corpus, result in (*home, *((name, e) for name, (e, _) in evidence.unseen.items())):
            title = DATASETS[corpus].title if corpus in DATASETS else corpus
            where = f"{title}, unseen part" if result is dict(home).get(corpus) else f"{title}, not learnt from"
            figures = (f"{result.n:,}", *(str(metric_text(result, c)) for c in _COLUMNS))
            rows.append((list(DATASETS).index(corpus) if corpus in DATASETS else 99, where, model, figures))
    rows.sort(key=lambda row: row[0])
    headers = (("Corpus", False), ("Model", False), ("n", True), *((METRIC_NAMES[c], True) for c in _COLUMNS))
    cells = [("", (where, engine.pool.title(model), *figures)) for _, where, model, figures in rows]
    return render.table(headers, cells, "Results")


def _models(engine: Engine) -> str:
    parts = []
    for model in engine.pool.models:
        evidence = engine.evidence.evaluation(model)
        if evidence is None:
            continue
        training = evidence.training
        parts.append(f"<h3>{escape(engine.pool.title(model))}</h3>")
        parts.append(
            render.facts(
                [
                    ("made by", training.get("recipe", "")),
                    ("from", training.get("base", "scratch")),
                    ("rows", training.get("rows", "")),
                    ("training", f"{training.get('minutes', '?')} minutes on {training.get('device', '?')}"),
                    ("size", size_text(evidence.size_mb)),
                    ("one article", f"{evidence.latency_ms:.0f} ms" if evidence.latency_ms else "not measured"),
                    ("calibration", _calibration(evidence.calibration)),
                ]
            )
        )
    return "".join(parts)


def _calibration(calibration: Mapping[str, Any]) -> str:
    found = Calibration.from_dict(calibration)
    told = f"slope {found.slope:.2f}, shift {found.shift:+.2f}"
    if found.slope_in_domain or found.shift_in_domain:
        told += f"; in-domain {found.slope_in_domain:+.2f}, {found.shift_in_domain:+.2f}"
    return told
