import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the folder of parquet files that FAKENEWS_DATA names."""
    folder = os.environ.get("FAKENEWS_DATA")
    if not folder:
        pytest.skip("FAKENEWS_DATA names no folder of parquet files")
    return Path(folder)
