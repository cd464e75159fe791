"""FA-KES: reports on the Syrian war, labeled by casualty figures."""

from fakenews.data.base import DatasetSpec

SPEC = DatasetSpec(
    name="fakes",
    title="FA-KES",
    description="News on the Syrian war from many agencies; style carries next to no signal.",
    homepage="https://zenodo.org/records/2607278",
    license="CC BY 4.0 (unverified)",
    citation="Abu Salem, Al Feel, Elbassuoni, Jaber, Farah: FA-KES: A Fake News Dataset around the Syrian War, "
    "ICWSM 2019.",
    label_meaning="1 is real and 0 is fake as in the source, by matching casualty figures with a database.",
    n_rows=778,
    sha256="9b3db0fbe6bc145b8fd3f3803501944469f5b19e48977132a9481223074bf06e",
)
