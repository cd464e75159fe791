"""Keys, ids and hashes of shared analyses: only the hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode


def new_key(n_bytes: int) -> str:
    """Return a random key; none begins with "-", which a command would take for an option."""
    while (key := secrets.token_urlsafe(n_bytes)).startswith("-"):
        pass
    return key


def share_id(owner: str, nonce: str) -> str:
    """Return an id of 128 bits, which only the owner's key gives again; it may begin with "-"."""
    digest = hmac.new(owner.encode(), nonce.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def hashed(secret: str) -> str:
    """Return the form in which a key or an id is stored."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def is_key(owner: str) -> bool:
    """Return whether it looks like a key that `new_key` made, and so is not something guessable."""
    return len(owner) == 43 and all(c.isascii() and (c.isalnum() or c in "-_") for c in owner)
