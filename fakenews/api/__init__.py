"""The JSON API, version 1: what it takes and gives is what the commands take and give.

Bad input is answered with `{"error": "one sentence"}`.
"""
