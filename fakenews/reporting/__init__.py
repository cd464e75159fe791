"""Numbers for people: tables, cards, pictures."""
