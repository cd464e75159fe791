"""ReCOVery: COVID-19 news of the first half of 2020, labeled by publisher."""

from fakenews.data.base import DatasetSpec

SPEC = DatasetSpec(
    name="recovery",
    title="ReCOVery",
    description="COVID-19 news of January to May 2020, from a part of its publishers; Sputnik and WorldHealth.Net, "
    "which write much like agencies, are 58% of the fake class.",
    homepage="https://github.com/apurvamulay/ReCOVery",
    license="CC BY-NC-SA 4.0 (unverified)",
    citation="Zhou, Mulay, Ferrara, Zafarani: ReCOVery: A Multimodal Repository for COVID-19 News Credibility "
    "Research, CIKM 2020.",
    label_meaning="By publisher, not by fact: unreliable publishers of NewsGuard and Media Bias/Fact Check are fake, "
    "reliable ones are real.",
    n_rows=1190,
    sha256="d36ecb0e192488f5d5dffb000106fa6d61f50d0f78c64e8334ff200a9aa6144b",
)
