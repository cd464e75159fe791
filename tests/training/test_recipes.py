"""The recipes are what the documentation says they are."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.config import REPOSITORY
from fakenews.training.recipes import RECIPES, get
from fakenews.training.settings import FineTuning


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_leaves_a_known_classifier(name):
    recipe = get(name)
    assert recipe.name == name
    assert recipe.model in CLASSIFIERS
    assert recipe.title


@pytest.mark.parametrize(
    ("name", "base"),
    [("tinybert", "huawei-noah/TinyBERT_General_4L_312D"), ("distilbert", "distilbert-base-uncased")],
)
def test_the_plain_recipes_are_the_published_one(name, base):
    settings = get(name).settings
    assert isinstance(settings, FineTuning)
    assert settings.base == base
    assert (settings.epochs, settings.learning_rate, settings.batch_size) == (3, 2e-5, 16)
    assert (settings.weight_decay, settings.warmup_ratio, settings.patience) == (0.01, 0.1, 2)
    assert (settings.max_length, settings.window, settings.mask_share) == (512, "first", 0.0)


def test_what_a_recipe_needs_is_pinned_for_development():
    pins = (REPOSITORY / "requirements-dev.txt").read_text(encoding="utf-8").split()
    assert {package for recipe in RECIPES.values() for package in recipe.packages} == {"gensim==4.4.0"} <= set(pins)


def test_recipes_cannot_be_changed_by_accident():
    with pytest.raises(FrozenInstanceError):
        get("tinybert").settings.epochs = 1


def test_an_unknown_recipe_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="Unknown recipe 'tiny'. Known: tfidf, tinybert, distilbert"):
        get("tiny")
