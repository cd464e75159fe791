"""A table of the visitor's own: scored by both models, refused in words, never quoted in an error."""

from pathlib import Path

import pytest

from fakenews.config import Settings
from fakenews.data.registry import load
from fakenews.services import Services
from fakenews.ui.own import MAX_ROWS, OwnTable


@pytest.fixture(scope="module")
def tab() -> OwnTable:
    return OwnTable(Services(Settings()))


def test_both_models_are_measured_on_it(tab: OwnTable, tmp_path: Path) -> None:
    rows = load("demo").groupby("label").head(4)
    path = tmp_path / "mine.csv"
    rows[["title", "text", "label"]].to_csv(path, index=False)
    seen: list[float] = []
    shown = tab.score(str(path), lambda share, desc: seen.append(share))
    assert "8 articles scored" in shown
    assert all(tab.services.title(model) in shown for model in tab.models)
    assert "ROC AUC" in shown and "fake articles recognised" in shown
    assert shown.count("<td>known to it</td>") == shown.count("<td>unseen</td>") == 2
    assert shown.count("gives a verdict on") == 2 and "given the wrong verdict by every model" in shown
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_one_class_is_said_to_be_one_class(tab: OwnTable, tmp_path: Path) -> None:
    rows = load("demo").query("label == 1").head(3)
    path = tmp_path / "real.csv"
    rows[["text", "label"]].to_csv(path, index=False)
    assert "one class only" in tab.score(str(path))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("headline,verdict\nA,1\n", "lacks the column text and label"),
        ("text,label\nA town met.,maybe\n", "label must be 0 or fake, 1 or real; got &#x27;maybe&#x27; in line 2"),
        ("title,text,label\nT,A town met.,0,1\n", "mine.csv, line 2: cells: 4, where the header has 3"),
        ("text,text,label\nA town met.,,0\n", "mine.csv has the column text more than once"),
        ("text,label\n", "holds no rows"),
        ("text,label\n" + "A town met.,1\n" * (MAX_ROWS + 1), "1,001 rows; up to 1,000"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(
    tab: OwnTable, tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(content, encoding="utf-8")
    shown = tab.score(str(path))
    assert 'role="alert"' in shown and sentence in shown
    assert str(tmp_path) not in shown


def test_markup_in_a_table_is_text(tab: OwnTable, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("title,text,label\n" + "<script>x</script>,A council met on Tuesday.,0\n" * 3, encoding="utf-8")
    assert "<script>" not in tab.score(str(path))
