"""The Spacefile: one typed value that says everything about the Space, read from TOML."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fakenews.classifiers.registry import CLASSIFIERS

SCHEMA = 1
NAME = "Spacefile"

# https://huggingface.co/docs/hub/spaces-gpus, August 2026, US dollars an hour.
PRICES = {
    "cpu-basic": 0.0,
    "cpu-upgrade": 0.03,
    "zero-a10g": 0.0,
    "t4-small": 0.40,
    "t4-medium": 0.60,
    "l4x1": 0.80,
    "a10g-small": 1.00,
    "a10g-large": 1.50,
    "l40sx1": 1.80,
    "a100-large": 2.50,
}

# https://huggingface.co/docs/hub/spaces-gpus, August 2026, gigabytes of memory of the machine.
MEMORY_GB = {
    "cpu-basic": 16,
    "cpu-upgrade": 32,
    "zero-a10g": 30,
    "t4-small": 15,
    "t4-medium": 30,
    "l4x1": 30,
    "a10g-small": 15,
    "a10g-large": 46,
    "l40sx1": 62,
    "a100-large": 142,
}

Color = Literal["red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"]

# https://huggingface.co/docs/hub/repositories-licenses, November 2026
LICENSES = re.findall(
    r"\S+",
    "apache-2.0 mit isc zlib unlicense wtfpl bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 ncsa "
    "postgresql ms-pl mpl-2.0 epl-1.0 epl-2.0 ecl-2.0 eupl-1.1 eupl-1.2 etalab-2.0 afl-3.0 artistic-2.0 osl-3.0 "
    "ofl-1.1 lppl-1.3c gpl gpl-2.0 gpl-3.0 agpl-3.0 lgpl lgpl-2.1 lgpl-3.0 gfdl cc cc0-1.0 cc-by-2.0 cc-by-2.5 "
    "cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc- "
    "nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 c-uda cdla-sharing-1.0 cdla- "
    "permissive-1.0 cdla-permissive-2.0 odc-by odbl pddl openrail openrail++ bigscience-openrail-m bigscience- "
    "bloom-rail-1.0 bigcode-openrail-m creativeml-openrail-m openmdw-1.0 llama2 llama3 llama3.1 llama3.2 llama3.3 "
    "llama4 gemma unknown other ",
)


def _check_license(value: str) -> str:
    if value not in LICENSES:
        close = difflib.get_close_matches(value.lower(), LICENSES, n=1, cutoff=0.5)
        hint = f'did you mean "{close[0]}"?' if close else 'use one such as "apache-2.0", or "other"'
        raise ValueError(f"the Hub knows no such license: {hint}")
    return value


def _check_emoji(value: str) -> str:
    if not value or unicodedata.category(value[0]) != "So" or any(c.isalnum() or c.isspace() for c in value):
        raise ValueError('it takes one emoji such as "📰", not its name')
    return value


License = Annotated[str, AfterValidator(_check_license)]
RepoId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]


class Section(BaseModel):
    """A table of the Spacefile: an unknown key is an error, not a setting that silently does nothing."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Space(Section):
    """How the Space is called and shown."""

    id: RepoId
    title: str = Field(min_length=1)
    emoji: Annotated[str, Field(max_length=8), AfterValidator(_check_emoji)]
    color_from: Color
    color_to: Color
    short_description: str = Field(max_length=60)
    license: License
    tags: list[str] = Field(default_factory=list)
    visibility: Literal["public", "protected", "private"] = "public"
    pinned: bool = False


class Runtime(Section):
    """What runs; the version of Gradio is the one in requirements.txt."""

    sdk: Literal["gradio"]
    python: str = Field(pattern=r"^3\.\d+(\.\d+)?$")
    app_file: str
    startup_duration_timeout: str = Field(default="30m", pattern=r"^[1-9]\d*[smh]$")


class Target(Section):
    """One kind of machine, with what differs there."""

    flavor: str
    python: str | None = Field(default=None, pattern=r"^3\.\d+(\.\d+)?$")
    pins: dict[str, str] = Field(default_factory=dict)  # package: version instead of the one in requirements.txt
    extra: list[str] = Field(default_factory=list)  # further requirements


class Hardware(Section):
    """Which target is deployed, for how long it stays awake, and what it may cost."""

    target: str
    fallback: str | None = None
    sleep_seconds: int = Field(ge=60)
    max_usd_per_hour: float = Field(ge=0)


class HubModel(Section):
    """A checkpoint on the Hub that is fetched when the Space starts; its fields are the options of `fakenews add`."""

    id: RepoId
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    name: str = Field(default="", pattern=r"^([a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?)?$")
    title: str = ""
    fake: list[str] = Field(default_factory=list)
    cleaning: Literal["none", "neutral"] | None = None
    language: Literal["en", "any"] = "en"
    calibration: list[float] = Field(default_factory=list, max_length=2)  # slope and shift, fitted elsewhere
    mb: float | None = Field(default=None, gt=0)  # of its weights, for `fakenews space check`

    @property
    def key(self) -> str:
        """Its name here: the one given, or that of the repository in plain letters."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.id.partition("/")[2].lower()).strip("-")
        return self.name or plain[:40].strip("-")

    def options(self) -> list[str]:
        """Return the options of `fakenews add`."""
        numbers = ("--calibration", *map(str, self.calibration)) if self.calibration else ()
        cleaning = ("--cleaning", self.cleaning) if self.cleaning else ()
        title = ("--title", self.title) if self.title else ()
        fake = [part for value in self.fake for part in ("--fake", value)]
        return [
            "--from", self.id, "--revision", self.revision, "--language", self.language, *fake, *title, *cleaning,
            *numbers,
        ]  # fmt: skip


def _hub_model(value: object) -> object:
    """Read the short form of a `HubModel`, OWNER/NAME@COMMIT."""
    if not isinstance(value, str):
        return value
    repo, _, revision = value.partition("@")
    return {"id": repo, "revision": revision}


class Models(Section):
    """Folders of models/ that travel with the code, and checkpoints that are brought from the Hub."""

    bundled: list[str] = Field(min_length=1)
    hub: list[Annotated[HubModel, BeforeValidator(_hub_model)]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_differ(self) -> Models:
        keys = [model.key for model in self.hub]
        taken = [key for key in keys if keys.count(key) > 1 or key in (*self.bundled, *CLASSIFIERS)]
        if taken:
            raise ValueError(f"the name {taken[0]!r} is taken: give each model of hub a name of its own")
        for model in self.hub:
            if len(model.calibration) == 1:
                raise ValueError(f"the calibration of {model.key!r} is two numbers, slope and shift")
        return self


class Storage(Section):
    """A bucket, mounted as a folder that keeps shared analyses."""

    bucket: RepoId | None = None
    mount: str = Field(default="/data", pattern=r"^/[\w/-]+$")


class Secrets(Section):
    """Names of secrets; their values come from the environment of whoever deploys."""

    required: list[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]] = Field(default_factory=list)


class Contents(Section):
    """Which files are uploaded, as glob patterns."""

    include: list[str] = Field(min_length=1)
    exclude: list[str] = Field(default_factory=list)
    max_file_mb: float = Field(gt=0)


class Smoke(Section):
    """What the new version has to answer before it stays."""

    endpoint: str = Field(pattern=r"^/\w+$")
    text: str = Field(min_length=1)
    timeout_s: int = Field(ge=1)


class Spacefile(Section):
    """All of it."""

    space: Space
    runtime: Runtime
    hardware: Hardware
    targets: dict[str, Target]
    models: Models
    storage: Storage = Storage()
    env: dict[str, str] = Field(default_factory=dict)
    secrets: Secrets = Secrets()
    bundle: Contents
    smoke: Smoke

    @model_validator(mode="after")
    def _targets_are_there(self) -> Spacefile:
        for name in filter(None, (self.hardware.target, self.hardware.fallback)):
            if name not in self.targets:
                raise ValueError(f"[hardware] names the target {name!r}; there are {', '.join(self.targets) or 'none'}")
        return self

    def target(self, name: str | None = None) -> Target:
        """Return a target by name, or the one that is deployed by default.

        Raise `ValueError` if there is none of that name.
        """
        name = name or self.hardware.target
        if name not in self.targets:
            raise ValueError(f"Unknown target {name!r}. Known: {', '.join(self.targets)}.")
        return self.targets[name]

    def python(self, target: Target) -> str:
        """Return the version of Python on a target."""
        return target.python or self.runtime.python

    def variables(self) -> dict[str, str]:
        """Return the environment of the Space; a mounted bucket is where shared analyses are kept."""
        mounted = {"FAKENEWS_BUCKET": self.storage.mount} if self.storage.bucket else {}
        return {**self.env, **mounted}


def read_spacefile(path: Path) -> Spacefile:
    """Parse a Spacefile.

    Raise `FileNotFoundError` if there is none; `ValueError` if it is not TOML, of another schema, or says something
    that no Space can be; one sentence for each mistake.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is not TOML: {error}.") from error
    schema = values.pop("schema", None)
    if schema != SCHEMA:
        raise ValueError(f"{path.name} has schema {schema!r}; this code reads schema {SCHEMA}.")
    try:
        return Spacefile.model_validate(values)
    except ValidationError as error:
        raise ValueError("\n".join(_sentence(e, path.name) for e in error.errors(include_url=False))) from None


def _sentence(error: object, name: str) -> str:
    """Describe one mistake that pydantic reports, with its field and value."""
    assert isinstance(error, dict)
    path = [str(part) for part in error["loc"]]
    where = f"[{path[0]}] {'.'.join(path[1:])}".strip() if path else name
    message = str(error["msg"]).removeprefix("Value error, ")
    value = error["input"]
    came = f", got {value!r}" if isinstance(value, str | int | float) and error["type"] != "extra_forbidden" else ""
    what = "is no setting of a Spacefile: remove it or mend its name" if error["type"] == "extra_forbidden" else message
    return f"{name}, {where}: {what[:1].lower() + what[1:]}{came}."
