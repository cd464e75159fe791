"""What is uploaded: the files the Spacefile names, with README's YAML block and the requirements of one target."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fakenews.space.spacefile import Spacefile, Target

README, REQUIREMENTS, LOCK = "README.md", "requirements.txt", "requirements.lock"
IGNORED = {".git", ".venv", "__pycache__"}
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?P<extras>\[[\w,-]+\])?==(?P<version>[\w.+!]+)")
_BLOCK = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BundledFile:
    """A file of the Space: its path there, and its bytes here."""

    path: str
    source: Path
    rendered: bytes | None = None

    @property
    def content(self) -> bytes:
        """Return the bytes that are uploaded."""
        return self.source.read_bytes() if self.rendered is None else self.rendered

    @property
    def size(self) -> int:
        """Bytes."""
        return self.source.stat().st_size if self.rendered is None else len(self.rendered)

    def is_at(self, blob_id: str | None, sha256: str | None) -> bool:
        """Return whether the Hub has this content, given a file's git object id there and, of large ones, SHA-256."""
        content = self.content
        if sha256:
            return hashlib.sha256(content).hexdigest() == sha256
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == blob_id


def front_matter(spacefile: Spacefile, target: Target, requirements: str) -> str:
    """Return the README's YAML block for a target, both `---` lines included.

    Values are written as JSON, which YAML understands, so that "3.12" and "yes" stay strings.
    https://huggingface.co/docs/hub/spaces-config-reference

    Raise `ValueError` if `requirements` do not pin gradio.
    """
    space, runtime = spacefile.space, spacefile.runtime
    values = {
        "title": space.title,
        "emoji": space.emoji,
        "colorFrom": space.color_from,
        "colorTo": space.color_to,
        "sdk": runtime.sdk,
        "sdk_version": pins(requirements).get("gradio"),
        "python_version": spacefile.python(target),
        "app_file": runtime.app_file,
        "startup_duration_timeout": runtime.startup_duration_timeout,
        "suggested_hardware": target.flavor,
        "short_description": space.short_description,
        "license": space.license,
        "tags": space.tags,
        "pinned": space.pinned,
    }
    if values["sdk_version"] is None:
        raise ValueError(f"{REQUIREMENTS} does not pin gradio: the Space would run another version; add gradio==….")
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())
    return "\n".join(("---", *lines, "---", ""))


def with_front_matter(readme: str, block: str) -> str:
    """Return README with `block` instead of the YAML block it begins with, if any."""
    return block + _BLOCK.sub("", readme, count=1)


def requirements_for(target: Target, requirements: str) -> str:
    """Return the requirements of a target: its own versions of what it pins, and what it needs besides.

    Raise `ValueError` if the target pins a package that the requirements do not have.
    """
    known = pins(requirements)
    unknown = [name for name in target.pins if name not in known]
    if unknown:
        raise ValueError(f"A target pins {', '.join(unknown)}, which {REQUIREMENTS} does not have.")
    lines = []
    for line in requirements.splitlines():
        pin = _PIN.match(line)
        name = _canonical(pin["name"]) if pin else ""
        lines.append(f"{name}=={target.pins[name]}" if name in target.pins else line)
    return "\n".join([*lines, *target.extra, ""])


def pins(requirements: str) -> dict[str, str]:
    """Return the version of each package that is pinned, by its canonical name: lower case, words joined by "-"."""
    matches = (_PIN.match(line.strip()) for line in requirements.splitlines())
    return {_canonical(match["name"]): match["version"] for match in matches if match}


def bundle(root: Path, spacefile: Spacefile, target: Target) -> list[BundledFile]:
    """Return the files of the Space on a target, by path; the repository at `root` stays as it is.

    Raise `ValueError` if README or requirements cannot be rendered.
    """
    files = []
    for path in sorted(_matching(root, spacefile)):
        source, rendered = root / path, None
        if path == README:
            block = front_matter(spacefile, target, (root / REQUIREMENTS).read_text(encoding="utf-8"))
            rendered = with_front_matter(source.read_text(encoding="utf-8"), block).encode()
        elif path == REQUIREMENTS:
            rendered = requirements_for(target, source.read_text(encoding="utf-8")).encode()
        files.append(BundledFile(path, source, rendered))
    return files


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Return whether a path fits one of the glob patterns; `**` stands for any folders, none included."""
    return any(fnmatch.fnmatchcase(path, p) or fnmatch.fnmatchcase(path, p.replace("**/", "")) for p in patterns)


def lay_out(files: Sequence[BundledFile], folder: Path) -> None:
    """Write the bundle into a folder, as the Space would have it."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _matching(root: Path, spacefile: Spacefile) -> Iterable[str]:
    for source in root.rglob("*"):
        relative = source.relative_to(root)
        path = relative.as_posix()
        if IGNORED & set(relative.parts) or not source.is_file():
            continue
        if matches(path, spacefile.bundle.include) and not matches(path, spacefile.bundle.exclude):
            yield path
