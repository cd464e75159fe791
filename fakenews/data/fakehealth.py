"""FakeHealth: press releases on medicine, rated by reviewers on how well they report."""

from fakenews.data.base import DatasetSpec

SPEC = DatasetSpec(
    name="fakehealth_release",
    title="FakeHealth, press releases",
    description="Press releases on medicine; fake means poor reporting here, not falsehood.",
    homepage="https://github.com/EnyanDai/FakeHealth",
    license="No license file in the snapshot.",
    citation="Dai, Sun, Wang: Ginger Cannot Cure Cancer: Battling Fake Health News with a Comprehensive Data "
    "Repository, ICWSM 2020.",
    label_meaning="Rebuilt from the reviewers' ten criteria: fewer than 45% of them satisfied is fake.",
    n_rows=591,
    sha256="548ba0b6cde5a44380446845cdfe037ae2e268c850c783a95eac966606afbb66",
)
