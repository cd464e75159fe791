"""Which models there are, which answer where none is named, and each of them loaded once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fakenews.classifiers import model_folder, registry, store
from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.ensemble import LARGE, MEMBERS, EnsembleClassifier
from fakenews.classifiers.model_folder import StoredModel
from fakenews.config import Settings, pick_device
from fakenews.engine.errors import CorruptModel, InputError

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

SIDE_BY_SIDE = ("tinybert", "tfidf")  # on the page; on a GPU `LARGE` too, and whatever was added


class ModelPool:
    """Models by name or folder; one that is unknown or not here is an `InputError`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.awaited: frozenset[str] = frozenset()  # models that are not here yet, and may be shown once they are
        self.damaged: tuple[str, ...] = ()  # models that `find_damage` found to be other than what was pinned
        self._stored: dict[str, StoredModel] = {}
        self._classifiers: dict[str, TextClassifier] = {}
        self._loading = threading.RLock()

    def refresh(self) -> None:
        """Look again which models are here; those that answer unasked, or are in memory, stay though removed."""
        kept = {*self.side_by_side, *self.defaults, *self.loaded}
        here = self._here()
        for model in set(self._stored) - set(self.loaded):
            self._stored.pop(model, None)  # its folder may be another one by now
        self.__dict__["models"] = self._ordered((*here, *(m for m in self.models if m in kept and m not in here)))

    def has(self, model: str) -> bool:
        """Return whether a model of this name is here; where it was not, it is looked for again."""
        if model not in self.models:
            self.refresh()
        return model in self.models

    @property
    def loaded(self) -> tuple[str, ...]:
        """Models that are in memory."""
        return tuple(self._classifiers)

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Models whose weights are here, those side by side first, and added ones behind the shipped.

        Raise `ValueError` if FAKENEWS_SHOW names one that is not here.
        """
        here = self._here()
        if missing := sorted(set(self.settings.model_list) - {*here, *self.awaited}):
            raise ValueError(
                f"FAKENEWS_SHOW names {', '.join(missing)}, not in {self.settings.models}: "
                f"there are {', '.join(here) or 'none'}."
            )
        return self._ordered(here)

    def _here(self) -> tuple[str, ...]:
        return (*store.shipped(self.settings.models), *store.added(self.settings.models))

    def _ordered(self, here: tuple[str, ...]) -> tuple[str, ...]:
        return (*(m for m in self._wanted if m in here), *(m for m in here if m not in self._wanted))

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        if self.settings.model_list:
            return self.settings.model_list
        try:
            on_gpu = pick_device(self.settings.device) == "cuda"
        except ValueError:  # whoever loads a model reports that there is no such GPU
            on_gpu = False
        return (*SIDE_BY_SIDE, *((LARGE,) if on_gpu else ()), *store.added(self.settings.models))

    @cached_property
    def side_by_side(self) -> tuple[str, ...]:
        """Models that stand side by side: those wanted, or at least the first two that are here; no ensemble."""
        single = tuple(m for m in self.models if m not in MEMBERS)
        wanted = tuple(m for m in single if m in self._wanted)
        return wanted if self.settings.model_list else max(wanted, single[:2], key=len)

    @cached_property
    def defaults(self) -> tuple[str, ...]:
        """Models that answer where none is named: an ensemble, if one is here, and those side by side.

        The ensemble with the large model only where that stands side by side, or where there is no other.
        """
        ensembles = [m for m in MEMBERS if m in self.models]
        if LARGE not in self.side_by_side:
            ensembles = [m for m in ensembles if LARGE not in MEMBERS[m]] or ensembles
        return (*ensembles[:1], *self.side_by_side)

    def stored(self, model: str) -> StoredModel:
        """Locate a model, which does not load it; settings that cannot be read raise `CorruptModel`."""
        found = self._stored.get(model)
        if found is None:
            try:
                found = self._stored[model] = store.find(model, self.settings.models)
            except model_folder.WrongFile as error:
                raise CorruptModel(str(error)) from error
            except (ValueError, model_folder.ModelNotHere) as error:
                raise InputError(str(error)) from error
        return found

    def classifier(self, model: str) -> TextClassifier:
        """Return a model, loaded once; files that are not whole raise `CorruptModel`."""
        with self._loading:
            if model not in self._classifiers:
                stored = self.stored(model)
                try:
                    self._classifiers[model] = self._load(stored)
                except model_folder.WrongFile as error:
                    raise CorruptModel(str(error)) from error
                except (ValueError, model_folder.ModelNotHere) as error:
                    raise InputError(str(error)) from error
            return self._classifiers[model]

    def name(self, model: str) -> str:
        """Return the registry name of a model given by name or folder."""
        return self.stored(model).name

    def title(self, model: str) -> str:
        """Return the name of a model for people."""
        if model in registry.CLASSIFIERS:
            return registry.get(model).title
        return registry.of_folder(self.stored(model)).title

    def revision(self, model: str) -> str:
        """Return the first 12 hex digits of the SHA-256 of a model's weights, which are not loaded for it."""
        return self.stored(model).revision

    def trained_on(self, model: str) -> tuple[str, ...]:
        """Return the corpora in a model's training data, the one it started from first; empty if it does not say."""
        try:
            data: dict[str, Any] = model_folder.settings(self.settings.models / model).get("data", {})
        except OSError:  # removed since, and still in memory
            return ()
        return tuple(data.get("corpora", ()))

    def check_names(self, models: Sequence[str]) -> None:
        """Refuse two folders of one name: predictions go by the name, and two versions would be mixed up."""
        folders: dict[str, Path] = {}
        for model in models:
            stored = self.stored(model)
            if folders.setdefault(stored.name, stored.folder) != stored.folder:
                raise InputError(f"Two of these models are a {stored.name}: ask them one after the other.")

    def find_damage(self) -> None:
        """Compare the files of all models with what is pinned, which takes 0.05 seconds."""
        for model in self.models:
            try:
                model_folder.verify(self.settings.models / model)
            except (model_folder.WrongFile, OSError) as error:
                logger.error("%s cannot be asked: %s", model, error)
                self.damaged = (*self.damaged, model)

    def _load(self, stored: StoredModel) -> TextClassifier:
        if stored.name not in MEMBERS:
            return store.load(stored, self.settings.device)
        with model_folder.reading(stored):
            return EnsembleClassifier.load(stored.folder, self._member)

    def _member(self, stored: StoredModel) -> TextClassifier:
        """Return a model beside an ensemble, in memory once."""
        is_shipped = stored.folder == self.settings.models / stored.name
        return self.classifier(stored.name if is_shipped else str(stored.folder))
