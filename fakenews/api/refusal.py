"""An answer that is not what was asked for: its status, and one sentence that says why and what to do."""

from __future__ import annotations


class Refusal(Exception):
    """An answer other than 200.

    Parameters
    ----------
    status : int
    sentence : str
    retry_after : int, optional
        Seconds after which asking again may help.
    close : bool
        Whether the connection is of no more use.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None, close: bool = False) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {"retry-after": str(retry_after)} if retry_after is not None else {}
        if close:
            self.headers["connection"] = "close"
