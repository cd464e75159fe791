"""Arrays in, values out: what is measured."""
