"""What stands around page and API when many ask at once: limits, turns, patience, numbers, logs."""
