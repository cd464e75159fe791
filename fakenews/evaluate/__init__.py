"""How well a classifier does: metrics with intervals, errors, figures and the evidence kept beside a model."""
