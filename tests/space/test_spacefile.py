"""The Spacefile parses, agrees with the repository, and is what README's YAML block says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fakenews.config import REPOSITORY, Settings
from fakenews.space.bundle import front_matter, matches, pins, requirements_for, with_front_matter
from fakenews.space.spacefile import Spacefile, read_spacefile

REQUIREMENTS = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")


@pytest.fixture
def spacefile() -> Spacefile:
    return read_spacefile(REPOSITORY / "Spacefile")


def test_the_readme_starts_with_the_rendered_block(spacefile: Spacefile) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(front_matter(spacefile, spacefile.target(), REQUIREMENTS))


@pytest.mark.parametrize("target", ["gpu", "zero", "cpu"])
def test_the_block_is_yaml_with_the_same_values_and_types(spacefile: Spacefile, target: str) -> None:
    chosen = spacefile.target(target)
    _, block, rest = front_matter(spacefile, chosen, REQUIREMENTS).split("---\n")
    values = yaml.safe_load(block)
    assert rest == ""
    assert values["python_version"] == spacefile.python(chosen)  # a string: 3.10 must not become 3.1
    assert values["suggested_hardware"] == chosen.flavor
    assert values["sdk_version"] == pins(REQUIREMENTS)["gradio"]
    assert values["tags"] == spacefile.space.tags
    assert values["pinned"] is False


def test_strings_that_yaml_would_read_otherwise_stay_strings(spacefile: Spacefile) -> None:
    title = 'no: "quotes" # and \\ more'
    spacefile = spacefile.model_copy(update={"space": spacefile.space.model_copy(update={"title": title})})
    _, block, _ = front_matter(spacefile, spacefile.target(), REQUIREMENTS).split("---\n")
    assert yaml.safe_load(block)["title"] == title


def test_a_readme_is_given_a_block_once() -> None:
    block, text = "---\ntitle: new\n---\n", "\n# Name\n\n---\nnot a block\n---\n"
    for was in (text, "---\ntitle: old\n---\n" + text, block + text):
        assert with_front_matter(was, block) == block + text


def test_the_first_line_says_what_the_file_is() -> None:
    first = (REPOSITORY / "Spacefile").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# Spacefile: ") and "Hugging Face Space" in first


def test_a_target_changes_its_own_pins_and_nothing_else(spacefile: Spacefile) -> None:
    zero = requirements_for(spacefile.target("zero"), REQUIREMENTS)
    assert pins(zero) == {**pins(REQUIREMENTS), "torch": "2.11.0", "spaces": "0.51.3"}
    assert requirements_for(spacefile.target("gpu"), REQUIREMENTS) == REQUIREMENTS
    assert pins(requirements_for(spacefile.target("cpu"), REQUIREMENTS)) == pins(REQUIREMENTS)
    wrong = spacefile.target("zero").model_copy(update={"pins": {"torsh": "2"}})
    with pytest.raises(ValueError, match="torsh"):
        requirements_for(wrong, REQUIREMENTS)


def test_the_environment_is_understood_by_the_settings(spacefile: Spacefile) -> None:
    settings = Settings.from_environment({**spacefile.variables(), "SPACE_ID": spacefile.space.id})
    assert (settings.device, settings.max_chars) == ("auto", 20_000)
    assert (settings.host, settings.port) == ("0.0.0.0", 7860)


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("fakenews/ui/app.py", "fakenews/**", True),
        ("app.py", "**/app.py", True),
        ("fakenews/__pycache__/a.pyc", "**/__pycache__/**", True),
        ("other/app.py", "app.py", False),
        ("models/tinybert/checkpoints/1/a", "models/*/checkpoints/**", True),
    ],
)
def test_patterns(path: str, pattern: str, fits: bool) -> None:
    assert matches(path, [pattern]) is fits


@pytest.mark.parametrize(
    ("content", "message"),
    [("schema = ", "is not TOML"), ("schema = 2", "has schema 2"), ("[space]", "has schema None")],
)
def test_a_file_that_will_not_do_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "Spacefile"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_spacefile(path)
