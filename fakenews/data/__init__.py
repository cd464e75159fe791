"""Corpora, their cleaning for measurement (duplicates, giveaways) and their splits."""
