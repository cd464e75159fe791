"""Bring a checkpoint from the Hugging Face Hub, at one commit and with no file that is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fakenews.classifiers.checkpoint import UnusableCheckpoint, check_names, weight_files

_TEXTS = (".json", ".txt", ".model")  # config and tokenizer


@dataclass(frozen=True, slots=True)
class HubModel:
    """What the Hub says of a model: the commit that was downloaded, and its license if its card has one."""

    revision: str
    license: str | None


def download(repo: str, revision: str | None, folder: Path) -> HubModel:
    """Download the config, tokenizer and weights of a model into a folder.

    Raise `UnusableCheckpoint` if the Hub cannot be reached, does not give it, or it is none that can be added.
    """
    from httpx2 import HTTPError  # as huggingface_hub raises it
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    try:
        info = HfApi().model_info(repo, revision=revision)
        names = [file.rfilename for file in info.siblings or () if "/" not in file.rfilename]
        check_names(names, repo)
        wanted = [*weight_files(names, repo), *(name for name in names if name.endswith(_TEXTS))]
        sha = str(info.sha)
        snapshot_download(repo, revision=sha, local_dir=folder, allow_patterns=wanted)
        missing = [name for name in wanted if not (folder / name).is_file()]
    except OfflineModeIsEnabled as error:
        raise UnusableCheckpoint(f"{repo} is on the Hub, and HF_HUB_OFFLINE forbids to ask it: unset it.") from error
    except GatedRepoError as error:
        raise UnusableCheckpoint(
            f"{repo} is gated: accept its terms on its page on the Hub, then set HF_TOKEN to your token."
        ) from error
    except RevisionNotFoundError as error:
        raise UnusableCheckpoint(f"{repo} has no revision {revision!r} on the Hub.") from error
    except RepositoryNotFoundError as error:
        raise UnusableCheckpoint(
            f"The Hub shows no model {repo}: check its name, and set HF_TOKEN if it is private."
        ) from error
    except (HTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UnusableCheckpoint(
            f"{repo} could not be downloaded from the Hub ({type(error).__name__}): check the connection and try again."
        ) from error
    if missing:
        raise UnusableCheckpoint(f"The Hub did not give {missing[0]} of {repo}: try again.")
    return HubModel(sha, getattr(info.card_data, "license", None))
