"""The recipes of the laboratory lie beside those of `fakenews train`."""

from __future__ import annotations

import pytest

from experiments.recipes import LABORATORY, Distillation, get
from fakenews.classifiers.registry import CLASSIFIERS
from fakenews.training.recipes import RECIPES


@pytest.mark.parametrize("name", LABORATORY)
def test_every_recipe_leaves_a_known_classifier(name):
    recipe = get(name)
    assert name not in RECIPES
    assert (recipe.name, recipe.model in CLASSIFIERS) == (name, True)


def test_those_of_training_are_known_too():
    assert get("tfidf") is RECIPES["tfidf"]
    with pytest.raises(ValueError, match="Unknown recipe 'bert'. Known: tfidf, .*tinybert-from-mpnet"):
        get("bert")


def test_no_family_is_left_out_in_two_folds():
    settings = get("tinybert-from-mpnet").settings
    assert isinstance(settings, Distillation)
    named = [family for fold in settings.folds for family in fold]
    assert len(set(named)) == len(named) > 0


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_has_a_recipe_of_its_name(name):
    assert get(name).model == name
    assert get(name).card.endswith(".")
