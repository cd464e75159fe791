"""README and model cards say what the evaluation files say, and name everything the registries hold."""

import re

import pytest

from benchmarks.report import PAGES as MEASURED
from benchmarks.report import replaced
from experiments.evidence import contradictions
from experiments.oracle import oracle_auc_left_out
from experiments.recipes import LABORATORY, get
from experiments.tables import RESULTS, SUMMARY, replace_results, results_table, summary_table
from fakenews.classifiers import model_folder
from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.config import REPOSITORY
from fakenews.engine import Engine
from fakenews.evidence.files import CARD, read_evaluation
from fakenews.reporting.card import model_card
from fakenews.space.spacefile import read_spacefile
from fakenews.training.recipes import RECIPES

MODELS = REPOSITORY / "models"
REPORT = 'run "python -m experiments report"'
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((REPOSITORY / "docs").glob("*.md"))}
SHIPPED = Engine.open().pool.models


def test_both_default_models_are_shipped_and_come_first() -> None:
    assert SHIPPED[:2] == ("tinybert", "tfidf")


def test_the_small_versions_of_the_others_are_shipped() -> None:
    assert {"word2vec", "cnn", "features"} <= set(SHIPPED)


def test_results_are_those_of_the_evaluations() -> None:
    folders = [MODELS / name for name in SHIPPED]
    evidences = [read_evaluation(folder) for folder in folders]
    assert replace_results(README, SUMMARY, summary_table(evidences)) == README, REPORT
    table = results_table(evidences, oracle_auc_left_out(folders))
    assert replace_results(PAGES["evaluation"], RESULTS, table) == PAGES["evaluation"], REPORT


def test_docs_say_of_speed_what_was_measured() -> None:
    marked = [path for path in (REPOSITORY / "docs").glob("*.md") if re.search("<!-- (?!results)", PAGES[path.stem])]
    assert set(MEASURED) >= set(marked)
    for path in marked:
        assert replaced(PAGES[path.stem]) == PAGES[path.stem], 'run "python -m benchmarks.report"'


def test_readme_is_short_and_names_every_page() -> None:
    assert len(README.splitlines()) <= 200
    assert len(next(line for line in README.splitlines() if line.startswith("| Model |")).split("|")) - 2 <= 8
    assert {f"docs/{name}.md" for name in PAGES} <= set(re.findall(r"\]\(([\w/.-]+)\)", README))


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", *(f"docs/{name}.md" for name in PAGES)]
)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    path = REPOSITORY / page
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize("name", SHIPPED)
def test_model_cards_are_those_of_the_evaluations(name: str) -> None:
    card = (MODELS / name / CARD).read_text(encoding="utf-8")
    described = get(model_folder.settings(MODELS / name)["recipe"]).card
    assert card == model_card(read_evaluation(MODELS / name), described), REPORT


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_evaluations_follow_from_the_predictions(name: str) -> None:
    assert contradictions(MODELS / name) == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_folders_stay_small(name: str) -> None:
    size = sum(file.stat().st_size for file in (MODELS / name).glob("*") if file.is_file())
    assert size <= {"tinybert": 32e6, "mpnet": 80e6}.get(name, 8e6)


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


@pytest.mark.parametrize("name", sorted({*RECIPES, *LABORATORY, *CLASSIFIERS}))
def test_docs_name_every_recipe_and_classifier(name: str) -> None:
    assert f"`{name}`" in PAGES["commands"] and name in PAGES["evaluation"]


def test_the_picture_is_here() -> None:
    assert "assets/screenshot.png" in README
    assert (REPOSITORY / "assets" / "screenshot.png").stat().st_size > 1000
