"""The Spacefile parses, keeps the Hub's rules, agrees with the repository, and is what README's YAML block says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import SpaceHardware

from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.config import Settings
from fakenews.space import front_matter, read_spacefile

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture
def spacefile() -> dict[str, Any]:
    return read_spacefile(REPOSITORY / "Spacefile")


def test_the_readme_starts_with_the_rendered_block(spacefile: dict[str, Any]) -> None:
    assert (REPOSITORY / "README.md").read_text(encoding="utf-8").startswith(front_matter(spacefile))


def test_the_block_is_yaml_with_the_same_values_and_types(spacefile: dict[str, Any]) -> None:
    _, block, rest = front_matter(spacefile).split("---\n")
    values = yaml.safe_load(block)
    assert rest == ""
    assert values["python_version"] == spacefile["runtime"]["python"]  # a string: 3.10 must not become 3.1
    assert values["suggested_hardware"] == spacefile["hardware"]["flavor"]
    assert values["tags"] == spacefile["space"]["tags"]
    assert values["pinned"] is False


def test_strings_that_yaml_would_read_otherwise_stay_strings(spacefile: dict[str, Any]) -> None:
    spacefile["space"]["title"] = 'no: "quotes" # and \\ more'
    _, block, _ = front_matter(spacefile).split("---\n")
    assert yaml.safe_load(block)["title"] == 'no: "quotes" # and \\ more'


def test_the_first_line_says_what_the_file_is() -> None:
    first = (REPOSITORY / "Spacefile").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# Spacefile: ") and "Hugging Face Space" in first


def test_hub_rules(spacefile: dict[str, Any]) -> None:
    space, hardware = spacefile["space"], spacefile["hardware"]
    assert len(space["short_description"]) <= 60
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {space["color_from"], space["color_to"]} <= colours
    assert SpaceHardware(hardware["flavor"]) is SpaceHardware.T4_SMALL
    assert SpaceHardware(hardware["fallback"]) is SpaceHardware.CPU_BASIC


def test_what_it_names_is_in_the_repository(spacefile: dict[str, Any]) -> None:
    bundle = spacefile["bundle"]
    assert spacefile["runtime"]["app_file"] in bundle["include"]
    missing = [p for p in bundle["include"] if not (REPOSITORY / p.removesuffix("/**")).exists()]
    assert missing == []
    assert set(spacefile["models"]["bundled"]) <= set(CLASSIFIERS)
    pins = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").split()
    assert f"gradio=={spacefile['runtime']['sdk_version']}" in pins


def test_bundled_files_fit(spacefile: dict[str, Any]) -> None:
    limit = spacefile["bundle"]["max_file_mb"] * 1_000_000
    files = [f for name in spacefile["models"]["bundled"] for f in (REPOSITORY / "models" / name).glob("*")]
    assert {f.name: f.stat().st_size for f in files if f.stat().st_size > limit} == {}


def test_the_environment_is_understood_by_the_settings(spacefile: dict[str, Any]) -> None:
    environment = spacefile["env"]
    assert all(isinstance(value, str) for value in environment.values())
    settings = Settings.from_environment({**environment, "SPACE_ID": spacefile["space"]["id"]})
    assert (settings.device, settings.max_chars) == ("auto", 20_000)
    assert (settings.host, settings.port) == ("0.0.0.0", 7860)


def test_secrets_are_names_only(spacefile: dict[str, Any]) -> None:
    assert set(spacefile["secrets"]) == {"required"}
    assert all(name.isidentifier() and name.isupper() for name in spacefile["secrets"]["required"])


@pytest.mark.parametrize(
    ("content", "message"),
    [("schema = ", "is not TOML"), ("schema = 2", "has schema 2"), ("[space]", "has schema None")],
)
def test_a_file_that_will_not_do_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "Spacefile"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_spacefile(path)


def test_a_missing_value_is_named(spacefile: dict[str, Any]) -> None:
    del spacefile["runtime"]["app_file"]
    with pytest.raises(ValueError, match=r"lacks app_file in \[runtime\]"):
        front_matter(spacefile)
