"""Horne and Adali 2017: political news by hand, with a satire part of its own."""

from fakenews.data.base import DatasetSpec

FAMILY = "horne2017"  # its fakes come from the same sites as its satire and those of hoax_sites
_HOMEPAGE = "https://github.com/BenjaminDHorne/fakenewsdata1"
_CITATION = (
    "Horne, Adali: This Just In: Fake News Packs a Lot in Title, Uses Simpler, Repetitive Content in Text Body, "
    "More Similar to Satire than Real News, NECO workshop at ICWSM 2017."
)
_LICENSE = "No license file; its README asks for citation."

SPEC = DatasetSpec(
    name="horne2017",
    title="Horne 2017",
    description="US political news of 2016: widely shared stories and a random draw from known sites.",
    homepage=_HOMEPAGE,
    license=_LICENSE,
    citation=_CITATION,
    label_meaning="The folders Fake and Real of both parts, taken as they are.",
    n_rows=251,
    sha256="4969190260d1184722ceed640d35ff19a6cd588d27a18f1d33c8f236daac5f6d",
    family=FAMILY,
)

SATIRE = DatasetSpec(
    name="horne2017_satire",
    title="Horne 2017, satire",
    description="Political satire only; there is no real class, so it measures recall.",
    homepage=_HOMEPAGE,
    license=_LICENSE,
    citation=_CITATION,
    label_meaning="The folder Satire, labeled fake here; it was not written to deceive.",
    n_rows=75,
    sha256="f803bd6895a029c4ec76d2d9393bdf6e993fdfa7bfd5ddf0bdeea20d286bcfac",
    family=FAMILY,
)
