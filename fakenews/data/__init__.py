"""Corpora, their cleaning for measurement (duplicates, leakage) and their splits."""
