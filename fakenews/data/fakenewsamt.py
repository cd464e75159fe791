"""FakeNewsAMT: short news in six domains, and what paid writers made of it."""

from fakenews.data.base import DatasetSpec

SPEC = DatasetSpec(
    name="fakenewsamt",
    title="FakeNewsAMT",
    description="Short articles in six domains, each with a fake version written on order; topic is no help here.",
    homepage="https://lit.eecs.umich.edu/downloads.html",
    license="None named; its README asks for citation.",
    citation="Pérez-Rosas, Kleinberg, Lefevre, Mihalcea: Automatic Detection of Fake News, COLING 2018.",
    label_meaning="legit is real; fake is a rewrite by crowd workers.",
    n_rows=480,
    sha256="ee65f5bb76d45a1bd03e5557d7d566f4b32609a1ee4b1e45125affd73962c0e3",
)
