"""Importing costs seconds where it loads frameworks: the registries, the engine and the commands load none."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

HEAVY = (
    *("torch", "transformers", "accelerate", "shap", "lime", "captum", "sklearn", "skops", "numba", "gensim"),
    *("matplotlib", "plotly", "gradio", "jinja2", "fastapi", "pandas", "datasketch", "huggingface_hub", "py3langid"),
)
LIGHT = (
    "fakenews",
    "fakenews.schema",
    "fakenews.text",
    "fakenews.config",
    "fakenews.formatting",
    "fakenews.language",
    "fakenews.verdict",
    "fakenews.classifiers.registry",
    "fakenews.classifiers.store",
    "fakenews.data.registry",
    "fakenews.explain.registry",
    "fakenews.training.recipes",
    "fakenews.engine",
    "fakenews.cli",
)


@pytest.mark.slow
@pytest.mark.parametrize("module", LIGHT)
def test_importing_loads_no_framework(module):
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_name_on_the_list_is_a_package_that_could_be_loaded():
    assert [name for name in HEAVY if importlib.util.find_spec(name) is None] == []
