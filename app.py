"""Entry of the Space and of `python app.py`: settings from the environment, then the server; no other logic."""

import sys

from fakenews.config import Settings
from fakenews.server import serve

if __name__ == "__main__":
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        sys.exit(str(error))
    serve(settings)
