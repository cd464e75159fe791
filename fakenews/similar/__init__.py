"""The articles most like a text, and what the verdicts on them were worth."""
