"""`python -m fakenews`: the same as the console script `fakenews`."""

from fakenews.cli import main

main()
