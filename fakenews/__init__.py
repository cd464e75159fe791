"""Paste a news article: two classifiers, calibrated probabilities and the words that moved them."""

__version__ = "0.1.0"
