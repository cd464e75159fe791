"""What goes wrong between here and the Hugging Face Hub, each as one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def asking(what: str, repo: str, revision: str | None, wrong: type[Exception]) -> Iterator[None]:
    """While the Hub is asked for a `what` ("model", "data set"): whatever it refuses is raised as `wrong`."""
    from httpx2 import HTTPError  # as huggingface_hub raises it
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise wrong(f"{repo} is on the Hub, and HF_HUB_OFFLINE forbids to ask it: unset it.") from error
    except HFValidationError as error:
        raise wrong(f"{repo!r} cannot be the id of a {what} on the Hub: it is OWNER/NAME.") from error
    except GatedRepoError as error:
        raise wrong(
            f"{repo} is gated: accept its terms on its page on the Hub, then set HF_TOKEN to your token."
        ) from error
    except RevisionNotFoundError as error:
        raise wrong(f"{repo} has no revision {revision!r} on the Hub.") from error
    except RepositoryNotFoundError as error:
        raise wrong(f"The Hub shows no {what} {repo}: check its name, and set HF_TOKEN if it is private.") from error
    except (HTTPError, LocalEntryNotFoundError, EntryNotFoundError, OSError) as error:
        raise wrong(
            f"{repo} could not be downloaded from the Hub ({type(error).__name__}): check the connection and try again."
        ) from error
