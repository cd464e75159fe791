"""Alembic's folder: `env.py` connects, `versions/` holds one file for every change of the tables."""
