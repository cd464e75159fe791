"""README and model cards say what the evaluation files say, and name everything the registries hold."""

import re
from pathlib import Path

import pytest

from benchmarks.report import replaced
from fakenews.classifiers import store
from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.config import REPOSITORY
from fakenews.evaluate.hindsight import left_out_in_hindsight
from fakenews.evaluate.report import CARD, contradictions, model_card, read_evaluation, replace_results, results_table
from fakenews.services import Services
from fakenews.space.spacefile import read_spacefile
from fakenews.training.recipes import RECIPES, get

MODELS = REPOSITORY / "models"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SHIPPED = Services().models


def test_both_default_models_are_shipped_and_come_first() -> None:
    assert SHIPPED[:2] == ("tinybert", "tfidf")


def test_the_small_versions_of_the_others_are_shipped() -> None:
    assert {"word2vec", "cnn", "features"} <= set(SHIPPED)


def test_readme_results_are_those_of_the_evaluations() -> None:
    folders = [MODELS / name for name in SHIPPED]
    table = results_table([read_evaluation(folder) for folder in folders], left_out_in_hindsight(folders))
    assert replace_results(README, table) == README, "run «fakenews report»"


def test_readme_says_of_explanations_what_was_measured() -> None:
    assert replaced(README) == README, "run «python -m benchmarks.report»"


def test_operations_says_of_load_what_was_measured() -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    assert replaced(page) == page, "run «python -m benchmarks.report»"


@pytest.mark.parametrize("name", SHIPPED)
def test_model_cards_are_those_of_the_evaluations(name: str) -> None:
    card = (MODELS / name / CARD).read_text(encoding="utf-8")
    described = get(store.settings(MODELS / name)["recipe"]).card
    assert card == model_card(read_evaluation(MODELS / name), described), "run «fakenews report»"


@pytest.mark.parametrize("name", SHIPPED)
def test_evaluations_follow_from_the_predictions(name: str) -> None:
    assert contradictions(MODELS / name) == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_folders_stay_small(name: str) -> None:
    size = sum(file.stat().st_size for file in (MODELS / name).glob("*") if file.is_file())
    assert size <= (32e6 if name == "tinybert" else 8e6)


def test_no_shipped_file_is_a_pickle() -> None:
    assert not [p for p in MODELS.rglob("*") if p.suffix in {".pkl", ".pickle", ".joblib", ".pt", ".bin"}]


def test_every_fault_names_a_test_that_is_there() -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.partition("## Faults")[2])
    assert len(named) == 18
    for path, test in named:
        assert f"def {test or 'test_'}" in (REPOSITORY / path).read_text(encoding="utf-8"), (path, test)


def test_a_container_is_given_what_a_space_is() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {source for line in lines if line.startswith("COPY") for source in line.split()[1:-1]}
    bundled = {pattern.partition("/")[0] for pattern in read_spacefile(REPOSITORY / "Spacefile").bundle.include}
    assert copied == bundled - {"Spacefile"}
    assert all((REPOSITORY / source).exists() for source in copied)
    allowed = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line.removeprefix("!") for line in allowed if line.startswith("!")} == copied


@pytest.mark.parametrize("name", sorted({*RECIPES, *CLASSIFIERS}))
def test_readme_names_every_recipe_and_classifier(name: str) -> None:
    assert name in README


def test_readme_pictures_are_here() -> None:
    for picture in ("assets/screenshot.png", "assets/how-it-works.svg"):
        assert picture in README
        assert (Path(REPOSITORY) / picture).stat().st_size > 1000
