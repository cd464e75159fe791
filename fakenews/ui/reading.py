"""The sentence over the Dataset tab's figures: what they can and cannot show."""

from __future__ import annotations

from fakenews.classifiers.ensemble import MEMBERS
from fakenews.data import registry as corpora
from fakenews.engine import Engine
from fakenews.evidence.protocols import LEFT_OUT, PROTOCOLS
from fakenews.ui.measured import AS_SHIPPED, DEMO, THRESHOLD, Looked, View


def verdict(engine: Engine, looked: Looked) -> str:
    """Return what is to be known before the figures are believed."""
    view, result = looked.view, looked.result
    text = _on_corpus(engine, looked)
    if looked.sliced:
        text = f"{result.n:,} articles of the slice “{view.part}”. {text}"
    if view.threshold != THRESHOLD:
        text += (
            f" Articles count as fake from a probability of {view.threshold:.2f} on; a threshold that was chosen by "
            "these figures flatters them."
        )
        if "accuracy" not in result.intervals:
            text += f" For {result.n:,} articles the intervals that move with it would take too long."
    return text


def title_of(corpus: str) -> str:
    """Return the name of a corpus for people."""
    return corpora.DATASETS[corpus].title if corpus in corpora.DATASETS else corpus


def _on_corpus(engine: Engine, looked: Looked) -> str:
    view, result, title = looked.view, looked.result, engine.pool.title(looked.view.model)
    if view.protocol == LEFT_OUT:
        return f"{title} was not trained on this corpus. {PROTOCOLS[view.protocol].description}"
    if view.protocol != AS_SHIPPED:
        return f"{title} was trained again for this. {PROTOCOLS[view.protocol].description}"
    if view.corpus == DEMO:
        return "These articles were written for this demo; the figures are not evidence of accuracy."
    if view.split == "validation":
        return _of_validation(engine, view)
    if view.split == "test":
        return (
            f"{title} never saw these articles, but it has seen their publishers: "
            "on corpora from other publishers it does much worse. Pick one on the left before trusting this page."
        )
    majority = max(result.n_fake, result.n_real) / result.n
    training = f"{title} was not trained on this corpus"
    if view.corpus not in corpora.DATASETS:
        training = f"{title} was not trained on this table, though articles of it may stand in another"
    text = (
        f"{training}: its publishers were never seen in training. "
        f"Always answering with the larger class would be right {100 * majority:.0f}% of the time here."
    )
    if view.corpus in corpora.DATASETS and corpora.DATASETS[view.corpus].unit != "article":
        text += " These are not articles, so on the page it would mostly decline to judge them."
    return text


def _of_validation(engine: Engine, view: View) -> str:
    """Return what was done with the held-out articles that are not the test's."""
    evidence, title = engine.evidence.evaluation(view.model), engine.pool.title(view.model)
    fitted_on = "" if evidence is None else str(evidence.calibration.get("fitted_on", ""))
    in_domain = fitted_on.partition("/")[0]
    if view.corpus == in_domain:
        return "The calibration was fitted on these articles too, so they flatter the model."
    text = f"{title} was trained on other articles of this corpus, so it has seen their publishers"
    if view.model in MEMBERS and view.corpus in set(engine.evidence.predictions(view.model, LEFT_OUT)["corpus"]):
        text += ", and its weights were chosen by answers to this corpus"
    return f"{text}. Its calibration here is that of {title_of(in_domain)}."
