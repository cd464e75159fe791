"""FakeNewsNet, the first version: BuzzFeed and PolitiFact."""

from fakenews.data.base import DatasetSpec, Removal

SPEC = DatasetSpec(
    name="fakenewsnet",
    title="FakeNewsNet 2017",
    description="Political stories that BuzzFeed and PolitiFact rated in 2016 and 2017, with the pages' clutter.",
    homepage="https://github.com/KaiDMML/FakeNewsNet",
    license="No license file in the first version.",
    citation="Shu, Mahudeswaran, Wang, Lee, Liu: FakeNewsNet: A Data Repository with News Content, Social Context and "
    "Spatialtemporal Information for Studying Fake News on Social Media, arXiv:1809.01286.",
    label_meaning="The fact-checkers' fake and real, taken as they are.",
    n_rows=404,
    removals=(
        Removal("isot-overlap", "These articles are in ISOT too, which the models train on.", overlap_with="isot"),
    ),
    sha256="82fcd5e21252e8290a21ea1c58259a28e90adba272c9cc2fe732ed07051f0c76",
)
