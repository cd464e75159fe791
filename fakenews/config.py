"""Settings, read from the environment once; everywhere else they are arguments."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA = "data"  # folder of corpora beside that of the models
PORTS = 65_535
MOST_PROXIES = 10
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs from machine to machine."""

    models: Path = REPOSITORY / "models"  # folder of model folders (`FAKENEWS_MODELS`)
    # Folder of parquet corpora (`FAKENEWS_DATA`, else `data` beside the models if there is such a folder); None means
    # only the demo corpus has texts
    data: Path | None = None
    device: str = "auto"  # "auto", "cpu" or "cuda" (`FAKENEWS_DEVICE`)
    # Models that stand side by side and are loaded at the start (`FAKENEWS_SHOW`, with commas; its name was
    # `FAKENEWS_MODEL_LIST`); empty for TinyBERT and TF-IDF, MPNet on a GPU, and those that were added
    model_list: tuple[str, ...] = ()
    max_chars: int = 20_000  # longest text that is analyzed, title and body (`FAKENEWS_MAX_CHARS`)
    # host, port: where the server listens (`FAKENEWS_HOST`, `FAKENEWS_PORT`; Gradio's own names are understood too)
    host: str = "127.0.0.1"
    port: int = 7860
    # Where visitors find it, for links (`FAKENEWS_PUBLIC_URL`; on a Space its direct address); empty for the address
    # each visitor used
    public_url: str = ""
    # Index of shared analyses (`FAKENEWS_DATABASE_URL`); an SQLite file in the user's data folder by default
    database_url: str = ""
    bucket: Path | None = None  # mounted folder that keeps shared analyses for good (`FAKENEWS_BUCKET`)
    share_mb: int = 500  # megabytes of all shared analyses together (`FAKENEWS_SHARE_MB`)
    # How often one client may ask for a verdict (`FAKENEWS_RATE`), for other work in proportion; 0 for no limits
    verdicts_per_minute: int = 120
    # Whether that holds for this machine's own address too, as it does where `FAKENEWS_RATE` is set: a proxy on it that
    # does not say who asks would be all visitors in one
    limit_local: bool = False
    # How many proxies in front each add the address that asked them to X-Forwarded-For (`FAKENEWS_FORWARDED`); 1 on a
    # Space
    proxies: int = 0
    # Whether `/metrics` is served (`FAKENEWS_METRICS`); not on a Space, where anyone could read it
    metrics: bool = True
    log: str = "text"  # "text", what needs attention, or "json", also a line for each request (`FAKENEWS_LOG`)
    # File that names models on the Hub to be brought (`FAKENEWS_SPACEFILE`); the repository's on a Space
    spacefile: Path | None = None
    # api_docs, mcp, url_fetch: whether the API's OpenAPI document (`FAKENEWS_API_DOCS`) and an MCP server
    # (`FAKENEWS_MCP`) are served, and whether visitors may have articles fetched by their address
    # (`FAKENEWS_URL_FETCH`)
    api_docs: bool = False
    mcp: bool = False
    url_fetch: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the environment.

        Raise `ValueError` if a number is none or no port, a switch is neither on nor off, the device is not one of the
        three, or the database is of another kind than the two.
        """
        env = os.environ if environment is None else environment
        default = cls()
        data = env.get("FAKENEWS_DATA", "")
        device = env.get("FAKENEWS_DEVICE", default.device)
        if device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"FAKENEWS_DEVICE must be auto, cpu or cuda, got {device!r}.")
        log = env.get("FAKENEWS_LOG", default.log)
        if log not in ("text", "json"):
            raise ValueError(f"FAKENEWS_LOG must be text or json, got {log!r}.")
        database = env.get("FAKENEWS_DATABASE_URL", "")
        if database and not re.match(r"(?:sqlite|postgres(?:ql)?)(?:\+\w+)?://", database):
            raise ValueError("FAKENEWS_DATABASE_URL must be sqlite:///… or postgresql://….")  # it may hold a password
        on_space = "SPACE_ID" in env or env.get("SYSTEM") == "spaces"
        space = env.get("SPACE_HOST", "")
        bucket = env.get("FAKENEWS_BUCKET", "")
        spacefile = env.get("FAKENEWS_SPACEFILE", str(REPOSITORY / "Spacefile") if on_space else "")
        models = Path(env.get("FAKENEWS_MODELS", default.models))
        beside = models.parent / DATA
        shown = env.get("FAKENEWS_SHOW") or env.get("FAKENEWS_MODEL_LIST", "")
        return cls(
            models=models,
            data=Path(data) if data else beside if beside.is_dir() else None,
            device=device,
            model_list=tuple(filter(None, map(str.strip, shown.split(",")))),
            max_chars=_number(env, "FAKENEWS_MAX_CHARS", default.max_chars),
            host=env.get("FAKENEWS_HOST", env.get("GRADIO_SERVER_NAME", "0.0.0.0" if on_space else default.host)),
            port=_number(env, "FAKENEWS_PORT", _number(env, "GRADIO_SERVER_PORT", default.port, PORTS), PORTS),
            public_url=env.get("FAKENEWS_PUBLIC_URL", space and f"https://{space}").rstrip("/"),
            database_url=database,
            bucket=Path(bucket) if bucket else None,
            share_mb=_number(env, "FAKENEWS_SHARE_MB", default.share_mb),
            verdicts_per_minute=_number(env, "FAKENEWS_RATE", default.verdicts_per_minute, least=0),
            limit_local="FAKENEWS_RATE" in env,
            proxies=_proxies(env, int(on_space)),
            metrics=_switch(env, "FAKENEWS_METRICS", not on_space),
            log=log,
            spacefile=Path(spacefile) if spacefile else None,
            api_docs=_switch(env, "FAKENEWS_API_DOCS"),
            mcp=_switch(env, "FAKENEWS_MCP"),
            url_fetch=_switch(env, "FAKENEWS_URL_FETCH"),
        )

    @property
    def own_data(self) -> Path:
        """Folder that corpora are added to: that of the corpora, or `data` beside the models."""
        return self.data or self.models.parent / DATA


def data_folder() -> Path:
    """Return the user's folder for what programs keep, outside any working directory."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "fakenews"


def _switch(env: Mapping[str, str], name: str, default: bool = False) -> bool:
    value = env.get(name, "").strip().lower()
    if value not in ("", "0", "1", "false", "true"):
        raise ValueError(f"{name} must be 1 or 0, got {value!r}.")
    return value in ("1", "true") if value else default


def _proxies(env: Mapping[str, str], default: int) -> int:
    value = env.get("FAKENEWS_FORWARDED", "").strip().lower()
    number = {"": str(default), "false": "0", "true": "1"}.get(value, value)
    if not number.isascii() or not number.isdigit() or int(number) > MOST_PROXIES:
        raise ValueError(f"FAKENEWS_FORWARDED must be the number of proxies, 0 to {MOST_PROXIES}, got {value!r}.")
    return int(number)


def _number(env: Mapping[str, str], name: str, default: int, most: int | None = None, least: int = 1) -> int:
    value = env.get(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= (most or int(value)):
        wanted = "a positive whole number" if least else "a whole number, 0 for no limit"
        wanted += f" up to {most}" if most else ""
        raise ValueError(f"{name} must be {wanted}, got {value!r}.")
    return int(value)


def pick_device(wanted: str = "auto") -> str:
    """Return the device to run on: "cuda" where there is one and it is not refused, else "cpu".

    Raise `ValueError` if cuda is asked for and there is none.
    """
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise ValueError("FAKENEWS_DEVICE asks for cuda, but torch finds no GPU here: use auto or cpu.")
    return "cpu"
