"""What a labelled table says of a model: two probabilities, and the verdicts it did give."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from fakenews.evaluate.metrics import evaluate
from fakenews.evaluate.verdicts import Verdicts, judged, table_result, verdicts
from fakenews.schema import FAKE, REAL, Prediction
from fakenews.verdict import judge

LABELS = [FAKE, FAKE, REAL, REAL, REAL]
P_HOME = [0.9, 0.8, 0.95, 0.1, 0.5]
P_ELSEWHERE = [0.7, 0.2, 0.5, 0.3, 0.4]


def predictions(n_words: int = 400, away: bool = True) -> list[Prediction]:
    return [
        judge("m", p, 0.0, n_words, p_elsewhere=q if away else None) for p, q in zip(P_HOME, P_ELSEWHERE, strict=True)
    ]


def test_each_probability_has_its_own_figures() -> None:
    result = table_result(predictions(), LABELS)
    assert result.home == evaluate(LABELS, P_HOME)
    assert result.elsewhere == evaluate(LABELS, P_ELSEWHERE)
    assert table_result(predictions(away=False), LABELS).elsewhere is None


def test_verdicts_are_counted_with_the_reasons_for_none() -> None:
    found = verdicts(predictions(), LABELS)
    # The second is contrary elsewhere, the fifth too close to call; of the other three the third is wrong.
    assert (found.n, found.given, found.right) == (5, 3, 2)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.interval is not None and found.interval[0] < 2 / 3 < found.interval[1]
    assert found.reasons == {"elsewhere": 1, "too_close": 1}
    assert Verdicts.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_model_that_keeps_quiet_is_neither_right_nor_wrong() -> None:
    found = verdicts(predictions(n_words=5), LABELS)
    assert (found.given, found.accuracy, found.interval) == (0, None, None)
    assert found.reasons == {"too_short": 5}
    assert Verdicts.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_the_file_of_predictions_gives_the_verdicts_of_both_probabilities() -> None:
    """A margin of 0 is 50 % at home, unless the calibration moves it."""
    names = ["grouped", "grouped", "external", "left-out", "other", "seed"]
    rows = pd.DataFrame(
        {
            "protocol": names, "corpus": ["isot", "isot", "fakes", "horne2017", "demo", "isot"], "label": 0,
            "p_fake": [0.9, 0.9, 0.7, 0.3, 0.9, 0.9], "margin": [9.0, 9.0, 0.0, 0.0, 0.0, 9.0],
            "p_elsewhere": [0.7, 0.2, np.nan, np.nan, 0.3, np.nan],
        }
    )  # fmt: skip
    said = judged(rows, {"home": {"temperature": 1.0, "shift": 2.0}, "elsewhere": None})
    assert said["protocol"].tolist() == names[:5]  # what was fitted again for a protocol has no second probability
    found = [(p.verdict, *p.reasons) for p in said["prediction"]]
    contrary = ("cannot_judge", "elsewhere")
    assert found == [("fake",), contrary, ("fake",), contrary, contrary]
    assert [round(p.p_fake, 2) for p in said["prediction"]] == [0.9, 0.9, 0.88, 0.88, 0.9]


def test_the_json_form_keeps_the_figures_at_home_on_top() -> None:
    values = json.loads(json.dumps(table_result(predictions(), LABELS).to_dict()))
    assert values["accuracy"] == evaluate(LABELS, P_HOME).accuracy
    assert values["elsewhere"]["accuracy"] == evaluate(LABELS, P_ELSEWHERE).accuracy
    assert values["verdicts"]["given"] == 3
    assert table_result(predictions(away=False), LABELS).to_dict()["elsewhere"] is None
