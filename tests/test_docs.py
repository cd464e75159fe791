"""README and model cards say what the evaluation files say, and name everything the registries hold."""

from pathlib import Path

import pytest

from fakenews.classifiers import store
from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.config import REPOSITORY
from fakenews.evaluate.report import CARD, contradictions, model_card, read_evaluation, replace_results, results_table
from fakenews.services import Services
from fakenews.training.recipes import RECIPES, get

MODELS = REPOSITORY / "models"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SHIPPED = Services().models


def test_both_default_models_are_shipped() -> None:
    assert SHIPPED == ("tinybert", "tfidf")


def test_readme_results_are_those_of_the_evaluations() -> None:
    table = results_table([read_evaluation(MODELS / name) for name in SHIPPED])
    assert replace_results(README, table) == README, "run «fakenews report»"


@pytest.mark.parametrize("name", SHIPPED)
def test_model_cards_are_those_of_the_evaluations(name: str) -> None:
    card = (MODELS / name / CARD).read_text(encoding="utf-8")
    described = get(store.settings(MODELS / name)["recipe"]).card
    assert card == model_card(read_evaluation(MODELS / name), described), "run «fakenews report»"


@pytest.mark.parametrize("name", SHIPPED)
def test_evaluations_follow_from_the_predictions(name: str) -> None:
    assert contradictions(MODELS / name) == ()


@pytest.mark.parametrize(("name", "megabytes"), [("tfidf", 8), ("tinybert", 32)])
def test_shipped_weights_stay_small(name: str, megabytes: int) -> None:
    assert store.find(name, MODELS).size_mb <= megabytes


def test_no_shipped_file_is_a_pickle() -> None:
    assert not [p for p in MODELS.rglob("*") if p.suffix in {".pkl", ".pickle", ".joblib", ".pt", ".bin"}]


@pytest.mark.parametrize("name", sorted({*RECIPES, *CLASSIFIERS}))
def test_readme_names_every_recipe_and_classifier(name: str) -> None:
    assert name in README


def test_readme_pictures_are_here() -> None:
    for picture in ("assets/screenshot.png", "assets/how-it-works.svg"):
        assert picture in README
        assert (Path(REPOSITORY) / picture).stat().st_size > 1000
