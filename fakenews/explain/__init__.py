"""Explanations: signed word weights on the user's own text, one file per method; named in `registry`."""
