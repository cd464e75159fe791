"""What the engine refuses, one class for each kind; every message is one sentence for the person who asked."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be worked with."""


class EmptyText(InputError):
    """Nothing is left of a text once it is cleaned."""

    def __init__(self) -> None:
        super().__init__("There are no words to read here: addresses, markup and emoji are not read.")


class Overloaded(InputError):
    """Too many are asking at this moment; the same input will do `retry_after` seconds later."""

    def __init__(self, problem: str, retry_after: int) -> None:
        super().__init__(f"{problem}: try again in a few seconds.")
        self.retry_after = retry_after


class CorruptModel(InputError):
    """A model's files are not whole; whoever runs the server has to bring them back."""
