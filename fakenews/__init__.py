"""Paste a news article: two classifiers, calibrated probabilities and the words that moved them."""

import os

__version__ = "0.1.0"

# NumPy's idle threads go on spinning for a while after each product, on cores that torch needs: with them a verdict
# took twice as long on two cores. Read when NumPy is imported, hence here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
