"""From a calibrated probability to one of three verdicts, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from fakenews.schema import Prediction, Verdict

MIN_WORDS = 40
# Probabilities in here are too close to call. Calling a real article fake does more harm than the reverse, so "fake"
# needs more certainty than "real". Chosen on corpora left out of training: (0.35, 0.65) gives twelve verdicts more in a
# hundred, but calls 18 of 100 real articles fake instead of 11.
UNDECIDED = (0.35, 0.75)

VERDICTS: dict[Verdict, str] = {
    "fake": "Fake-like",
    "real": "Real-like",
    "cannot_judge": "No verdict",
}

REASONS: dict[str, str] = {
    "uncalibrated": "uncalibrated: its probability was never compared with labeled articles",
    "too_short": f"too short: at least {MIN_WORDS} words are needed",
    "not_english": "not English, the only language of the training data",
    "unlike_training": "unlike the training data",
    "too_close": "too close to call",
    "mostly_wrong": "on text like this its verdicts were clearly more often wrong than right",
    "models_disagree": "the models contradict each other",
    "formatting": "formatting alone flips the prediction",
    # No longer given; in analyses that were shared while there were two probabilities.
    "elsewhere": "on publishers it never saw, such texts were more often of the other class",
}

UNLIKE = frozenset(("not_english", "unlike_training"))  # for which nothing that was measured says anything


def judge(
    model: str,
    p_fake: float,
    log_odds: float,
    n_words: int,
    *,
    english: bool = True,
    unlike_training: bool = False,
    calibrated: bool = True,
) -> Prediction:
    """Return the verdict of one model on one text.

    Parameters
    ----------
    p_fake, log_odds : float
        Calibrated probability and log-odds of fake.
    n_words : int
        Words that were read, after cleaning.
    english : bool
        Whether the text is English (`language.is_english`).
    unlike_training : bool
        Whether the text lies further from the training data than all but a few held-out articles.
    calibrated : bool
        Whether `p_fake` was fitted to labeled articles; a bare softmax gets no verdict.
    """
    reasons = [] if calibrated else ["uncalibrated"]
    if n_words < MIN_WORDS:
        reasons.append("too_short")
    if n_words and not english:
        reasons.append("not_english")
    if n_words and unlike_training:
        reasons.append("unlike_training")
    if not reasons and UNDECIDED[0] < p_fake < UNDECIDED[1]:
        reasons.append("too_close")
    verdict: Verdict = "cannot_judge" if reasons else ("fake" if p_fake >= 0.5 else "real")
    return Prediction(model, p_fake, log_odds, verdict, tuple(reasons))


def withdrawn(prediction: Prediction, reason: str) -> Prediction:
    """Return the prediction without its verdict, for one of `REASONS`; one that had none keeps its own reasons."""
    if prediction.verdict == "cannot_judge":
        return prediction
    return replace(prediction, verdict="cannot_judge", reasons=(reason,))


def with_formatting(predictions: Sequence[Prediction], moved: Collection[str]) -> tuple[Prediction, ...]:
    """Withdraw the verdicts of models whose prediction an edit of formatting flipped (`FormattingTest.moved`)."""
    return tuple(withdrawn(p, "formatting") if p.model in moved else p for p in predictions)


def reconcile(predictions: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """Turn verdicts that contradict each other into "cannot judge"; others stay as they are."""
    if {"fake", "real"} <= {p.verdict for p in predictions}:
        return tuple(withdrawn(p, "models_disagree") for p in predictions)
    return tuple(predictions)


def share_sentence(share_fake: float) -> str:
    """Say in one sentence what was measured of articles that scored like this one (`Prediction.share_fake`)."""
    return (
        "Of 100 articles that scored like this one, all from publishers never seen in training, "
        f"{100 * share_fake:.0f} were labeled fake."
    )


def agreement(predictions: Sequence[Prediction]) -> str:
    """Return one sentence on how the models' leanings compare."""
    leanings = {p.p_fake >= 0.5 for p in predictions}
    if len(predictions) < 2:
        return "Only one model was asked."
    if any(r == "models_disagree" for p in predictions for r in p.reasons):
        return "The models contradict each other, so neither verdict should be used."
    if len(leanings) == 1:
        return "The models lean the same way."
    low, high = UNDECIDED
    weakly = any(low < p.p_fake < high for p in predictions)
    return "The models lean opposite ways" + (", at least one of them weakly." if weakly else ".")
