"""CoAID: COVID-19 news and claims, nearly all of them true."""

from fakenews.data.base import DatasetSpec

_HOMEPAGE = "https://github.com/cuilimeng/CoAID"
_CITATION = "Cui, Lee: CoAID: COVID-19 Healthcare Misinformation Dataset, arXiv:2006.00885."

NEWS = DatasetSpec(
    name="coaid_news",
    title="CoAID news",
    description="Openings of COVID-19 articles, cut to about 80 words and already cleaned; 94% are real.",
    homepage=_HOMEPAGE,
    license="No license file in the snapshot.",
    citation=_CITATION,
    label_meaning="The file name: NewsFake is fake, NewsReal is real.",
    n_rows=2860,
    sha256="12dfa08168685ee78438ef4d7fc5f49f63180b4f80e703176cbbbac0a8d5e991",
)

CLAIMS = DatasetSpec(
    name="coaid_claims",
    title="CoAID claims",
    unit="claim",
    description="One-sentence claims and questions on COVID-19; 94% are real.",
    homepage=_HOMEPAGE,
    license="No license file in the snapshot.",
    citation=_CITATION,
    label_meaning="The file name: ClaimFake is fake, ClaimReal is real.",
    n_rows=460,
    sha256="c1d130b3527b9cb44f035df51ef53ad4d0a25846a8c197fe7aa040abb8c3bf85",
)
