"""The Spacefile, and the YAML block that the Hugging Face Hub reads at the top of README.md."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = 1

# Key of the block, then section and key of the Spacefile; the block has this order.
# https://huggingface.co/docs/hub/spaces-config-reference
_KEYS = (
    ("title", "space", "title"),
    ("emoji", "space", "emoji"),
    ("colorFrom", "space", "color_from"),
    ("colorTo", "space", "color_to"),
    ("sdk", "runtime", "sdk"),
    ("sdk_version", "runtime", "sdk_version"),
    ("python_version", "runtime", "python"),
    ("app_file", "runtime", "app_file"),
    ("startup_duration_timeout", "runtime", "startup_duration_timeout"),
    ("suggested_hardware", "hardware", "flavor"),
    ("short_description", "space", "short_description"),
    ("license", "space", "license"),
    ("tags", "space", "tags"),
    ("pinned", "space", "pinned"),
)


def read_spacefile(path: Path) -> dict[str, Any]:
    """Parse a Spacefile.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is not TOML or of another schema.
    """
    try:
        spacefile = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not TOML: {error}.") from error
    if spacefile.get("schema") != SCHEMA:
        raise ValueError(f"{path} has schema {spacefile.get('schema')!r}; this code reads schema {SCHEMA}.")
    return spacefile


def front_matter(spacefile: Mapping[str, Any]) -> str:
    """Render README's YAML block, both `---` lines included.

    Values are written as JSON, which YAML understands, so that «3.12» and «yes» stay strings.

    Raises
    ------
    ValueError
        If the Spacefile lacks a value that the block needs.
    """
    lines = []
    for name, section, key in _KEYS:
        if key not in spacefile.get(section, {}):
            raise ValueError(f"The Spacefile lacks {key} in [{section}].")
        lines.append(f"{name}: {json.dumps(spacefile[section][key], ensure_ascii=False)}")
    return "\n".join(("---", *lines, "---", ""))
