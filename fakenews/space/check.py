"""Everything about a Space that can be known without a network; each problem is one sentence with its remedy."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fakenews.classifiers import inventory, model_folder
from fakenews.config import Settings
from fakenews.space.bundle import (
    LOCK,
    README,
    REQUIREMENTS,
    BundledFile,
    bundle,
    front_matter,
    lay_out,
    matches,
    pins,
    with_front_matter,
)
from fakenews.space.spacefile import MEMORY_GB, NAME, PRICES, Spacefile, Target, read_spacefile

ENDPOINTS = ("/analyse", "/explain")  # what gradio_client can ask the page
# https://huggingface.co/docs/hub/spaces-zerogpu, August 2026
ZERO_PYTHON = ("3.12.12", "3.10.13")
ZERO_TORCH = ((2, 8), (2, 11))
MAX_BUNDLE_MB = 1000
SERVER_MB = 1000  # of a process with torch, before any model; measured 0.7 to 1.0 GB
UNKNOWN_MB = 1200  # of a checkpoint from the Hub whose size is not said: that of XLM-R base in single precision
DOWNLOADED_MB = 3000  # at every start
MAX_IN_FOLDER = 10_000

_SECRETS = {
    "a token of the Hub": re.compile(r"\bhf_[A-Za-z0-9]{30,}"),
    "a key of AWS": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in an address": re.compile(r"\b(?:postgres(?:ql)?|mysql)(?:\+\w+)?://[\w.-]+:[^@\s/{]+@[\w.-]+\.\w"),
}
_SECRET_NAME = re.compile(r"(TOKEN|SECRET|PASSWORD|PRIVATE|API_?KEY|LINK_KEY)$")
_TEXT = (".py", ".md", ".txt", ".toml", ".json", ".jsonl", ".css", ".svg", ".lock", "")
_UNSAFE = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt")
_KEPT = (".db", ".sqlite", ".sqlite3", ".env", ".pem", ".key")

Rule = Callable[["_Repository"], Iterator[str]]


class _Repository:
    """What the rules look at, read once."""

    def __init__(self, root: Path, spacefile: Spacefile, name: str, target: Target) -> None:
        self.root, self.spacefile, self.name, self.target = root, spacefile, name, target
        self.requirements = (root / REQUIREMENTS).read_text(encoding="utf-8")
        self.files: list[BundledFile] = bundle(root, spacefile, target)
        self.paths = {file.path for file in self.files}


def check(root: Path, target: str | None = None, *, imports: bool = True) -> list[str]:
    """Return the problems of the Space that the repository at `root` would become, one sentence each.

    Of one `target`, or of all. With `imports` the bundle is laid out in a folder of its own and imported there, which
    takes some ten seconds.
    """
    try:
        spacefile = read_spacefile(root / NAME)
        if target is not None:
            spacefile.target(target)
    except FileNotFoundError:
        return [f"There is no {NAME} in {root}: run this where it lies, or name the folder with --root."]
    except ValueError as error:
        return str(error).splitlines()
    problems: list[str] = []
    wanted = spacefile.hardware.target if target is None else target
    for name in (wanted, *spacefile.targets) if target is None else (wanted,):
        try:
            repository = _Repository(root, spacefile, name, spacefile.target(name))
        except (OSError, ValueError) as error:
            problems.append(f"Target {name} cannot be rendered: {error}")
            continue
        rules = EVERYWHERE + ONCE if name == wanted else EVERYWHERE
        problems += [problem for rule in rules for problem in rule(repository)]
    if imports and not problems:
        problems += _app_imports(_Repository(root, spacefile, wanted, spacefile.target(wanted)))
    return list(dict.fromkeys(problems))


def _flavor_exists(repository: _Repository) -> Iterator[str]:
    from huggingface_hub import SpaceHardware

    known = [hardware.value for hardware in SpaceHardware]
    if repository.target.flavor not in known:
        yield (
            f"Target {repository.name} asks for the hardware {repository.target.flavor!r}, which the Hub does not "
            f"have: choose one of {', '.join(known)}."
        )


def _price(repository: _Repository) -> Iterator[str]:
    flavor, most = repository.target.flavor, repository.spacefile.hardware.max_usd_per_hour
    price = PRICES.get(flavor)
    if price is None:
        yield f"The price of {flavor} is not known here: choose one of {', '.join(PRICES)}."
    elif price > most:
        yield (
            f"Target {repository.name} costs ${price:.2f} an hour on {flavor}, more than max_usd_per_hour = {most}: "
            "raise the limit or choose smaller hardware."
        )


def _memory(repository: _Repository) -> Iterator[str]:
    """Compare what the models take with the memory of the hardware, while one from the Hub is being added too."""
    gigabytes = MEMORY_GB.get(repository.target.flavor)
    models = repository.spacefile.models
    weights = [inventory.memory_mb(repository.root / "models" / name) or 0.0 for name in models.bundled]
    hub = [model.mb or UNKNOWN_MB for model in models.hub]
    needed = SERVER_MB + sum(weights) + sum(hub) + (SERVER_MB + 2 * max(hub) if hub else 0)
    if gigabytes is not None and needed > gigabytes * 1000:
        unknown = [model.id for model in models.hub if model.mb is None]
        assumed = f" ({UNKNOWN_MB:,} MB assumed for {', '.join(unknown)}: say mb if it is less)" if unknown else ""
        yield (
            f"Target {repository.name} has {gigabytes} GB of memory on {repository.target.flavor}, and its models need "
            f"{needed / 1000:.1f} GB{assumed}: choose larger hardware or fewer models."
        )


def _hub_models(repository: _Repository) -> Iterator[str]:
    models = repository.spacefile.models.hub
    if models and not repository.spacefile.storage.bucket:
        names = " and ".join(model.id for model in models)
        size = sum(model.mb or UNKNOWN_MB for model in models)
        if size > DOWNLOADED_MB:
            yield (
                f"{names} are downloaded again at every start, about {size:,.0f} MB: name a bucket in [storage], which "
                "keeps them."
            )


def _zero_gpu(repository: _Repository) -> Iterator[str]:
    if not repository.target.flavor.startswith("zero-"):
        return
    python = repository.spacefile.python(repository.target)
    if python not in ZERO_PYTHON:
        yield (
            f"Target {repository.name} runs Python {python}, but ZeroGPU has {' and '.join(ZERO_PYTHON)}: set python "
            f"in [targets.{repository.name}]."
        )
    rendered = next((f.content.decode() for f in repository.files if f.path == REQUIREMENTS), "")
    torch = pins(rendered).get("torch", "0")
    oldest, newest = ZERO_TORCH
    if not oldest <= tuple(int(part) for part in torch.split("+")[0].split(".")[:2]) <= newest:
        yield (
            f"Target {repository.name} installs torch {torch}, but ZeroGPU supports "
            f"{'.'.join(map(str, oldest))} to {'.'.join(map(str, newest))}: pin one of these in "
            f"[targets.{repository.name}]."
        )
    if "spaces" not in pins(rendered):
        yield f'Target {repository.name} needs the package "spaces": add spaces==… to its extra requirements.'


def _files_fit(repository: _Repository) -> Iterator[str]:
    most = repository.spacefile.bundle.max_file_mb
    for file in repository.files:
        if file.size > most * 1e6:
            yield f"{file.path} has {file.size / 1e6:.1f} MB, more than max_file_mb = {most:g}: exclude it or raise it."
    total = sum(file.size for file in repository.files) / 1e6
    if total > MAX_BUNDLE_MB:
        yield f"The bundle has {total:.0f} MB, more than {MAX_BUNDLE_MB}: exclude what the Space does not need."
    folders = [file.path.rpartition("/")[0] for file in repository.files]
    for folder in sorted(set(folders)):
        if folders.count(folder) > MAX_IN_FOLDER:
            yield f"The folder {folder or '.'} has {folders.count(folder)} files; the Hub takes {MAX_IN_FOLDER}."


def _what_it_names_is_there(repository: _Repository) -> Iterator[str]:
    spacefile = repository.spacefile
    for path in (spacefile.runtime.app_file, REQUIREMENTS, README):
        if path not in repository.paths:
            yield f"{path} is not in the bundle: add it to include in [bundle], and to the repository."
    for pattern in spacefile.bundle.include:
        if not any(matches(path, [pattern]) for path in repository.paths):
            yield f"The pattern {pattern!r} in [bundle] brings no file: mend or remove it."


def _models(repository: _Repository) -> Iterator[str]:
    models = repository.root / "models"
    for name in repository.spacefile.models.bundled:
        if not any(path.startswith(f"models/{name}/") for path in repository.paths):
            yield f"The model {name!r} in [models] is not in the bundle: train it, or remove it from bundled."
            continue
        pinned = model_folder.pins(models / name)
        if not pinned:
            yield f'The files of models/{name} are not pinned in models/{model_folder.SUMS}: run "fakenews pin {name}".'
        for file in pinned:
            if f"models/{name}/{file}" not in repository.paths:
                yield f"models/{name}/{file} is pinned but not in the bundle: bring it back, or pin the model again."
        try:
            model_folder.verify(models / name)
        except (model_folder.WrongFile, OSError) as error:
            yield str(error)


def _no_secrets(repository: _Repository) -> Iterator[str]:
    for name, value in repository.spacefile.env.items():
        kind = next((what for what, pattern in _SECRETS.items() if pattern.search(value)), None)
        if kind or _SECRET_NAME.search(name):
            yield f"[env] {name} holds {kind or 'a secret'}: name it in [secrets], with its value kept outside."
        if name in repository.spacefile.secrets.required:
            yield f"{name} is both in [env] and in [secrets]: remove it from [env]."
    for file in repository.files:
        suffix = Path(file.path).suffix
        if suffix in _KEPT or Path(file.path).name.startswith(".env"):
            yield f"{file.path} is a database or a key and would be published: exclude it in [bundle]."
        elif suffix in _UNSAFE:
            yield f"{file.path} may hold a pickle, which runs code when it is read: ship safetensors, skops or JSON."
        elif suffix in _TEXT and file.size < 2_000_000:
            content = file.content.decode("utf-8", "replace")
            for what, pattern in _SECRETS.items():
                if pattern.search(content):
                    yield f"{file.path} holds what looks like {what}: remove it, and revoke it."


def _environment(repository: _Repository) -> Iterator[str]:
    spacefile = repository.spacefile
    if "FAKENEWS_BUCKET" in spacefile.env:
        yield "[env] FAKENEWS_BUCKET is set by [storage]: remove it and name the bucket there."
    try:
        settings = Settings.from_environment({**spacefile.variables(), "SPACE_ID": spacefile.space.id})
    except ValueError as error:
        yield f"[env] will not do: {error}"
        return
    if len(spacefile.smoke.text) > settings.max_chars:
        yield f"The text of [smoke] is longer than FAKENEWS_MAX_CHARS = {settings.max_chars}: shorten it."
    if spacefile.smoke.endpoint not in ENDPOINTS:
        yield f"[smoke] asks {spacefile.smoke.endpoint}, which is not there: use {' or '.join(ENDPOINTS)}."


def _readme(repository: _Repository) -> Iterator[str]:
    readme = (repository.root / README).read_text(encoding="utf-8")
    block = front_matter(repository.spacefile, repository.target, repository.requirements)
    if readme != with_front_matter(readme, block):
        yield f'The YAML block of {README} is not what the {NAME} says: run "fakenews space render".'


def _requirements(repository: _Repository) -> Iterator[str]:
    pinned = pins(repository.requirements)
    for line in repository.requirements.splitlines():
        requirement = line.partition("#")[0].strip()
        if requirement and not requirement.startswith("-") and not pins(requirement):
            yield f"{REQUIREMENTS} does not pin {requirement!r}: write package==version."
    lock = repository.root / LOCK
    if not lock.is_file():
        yield f"There is no {LOCK}: compile it, as docs/operations.md says."
        return
    locked = pins(lock.read_text(encoding="utf-8"))
    for name, version in pinned.items():
        if locked.get(name) != version:
            was = locked.get(name, "nothing")
            yield f"{REQUIREMENTS} pins {name} {version}, {LOCK} has {was}: compile it again."


def _app_imports(repository: _Repository) -> list[str]:
    """Return whether the bundle, alone in a folder, can be imported, page and server included."""
    with tempfile.TemporaryDirectory() as folder:
        lay_out(repository.files, Path(folder))
        # What "pip install -e" has put in the way would find in the repository what the bundle lacks.
        alone = "[f for f in sys.meta_path if '__editable__' not in getattr(f, '__module__', '')]"
        app = str(Path(folder) / repository.spacefile.runtime.app_file)
        code = (
            f"import sys; sys.meta_path[:] = {alone}; sys.path.insert(0, {folder!r}); "
            f"import runpy, fakenews.ui.app, fakenews.server; runpy.run_path({app!r}, run_name='imported')"
        )
        result = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=folder)
    if result.returncode == 0:
        return []
    last = result.stderr.strip().splitlines()[-1:] or ["no message"]
    return [f"The bundle alone cannot be imported: {last[0]}; is something missing in include of [bundle]?"]


EVERYWHERE: tuple[Rule, ...] = (_flavor_exists, _price, _memory, _zero_gpu)
ONCE: tuple[Rule, ...] = (
    _what_it_names_is_there,
    _files_fit,
    _models,
    _hub_models,
    _no_secrets,
    _environment,
    _requirements,
    _readme,
)
