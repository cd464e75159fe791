"""LIAR and LIAR2: statements of politicians, rated by PolitiFact in six steps."""

from fakenews.data.base import DatasetSpec, Removal

SPEC = DatasetSpec(
    name="liar",
    title="LIAR",
    unit="claim",
    description="One-sentence political statements with the official split; nothing in them is style of a publisher.",
    homepage="https://sites.cs.ucsb.edu/~william/data/liar_dataset.zip",
    license="Research use (unverified)",
    citation='Wang: "Liar, Liar Pants on Fire": A New Benchmark Dataset for Fake News Detection, ACL 2017.',
    label_meaning="true, mostly-true and half-true are real; barely-true, false and pants-fire are fake.",
    n_rows=12798,
    sha256="68cbda453b4f38afc4e88f494afca7d43e0f6a0fc832b5603b790a60117768e1",
)

LIAR2 = DatasetSpec(
    name="liar2_valtest",
    title="LIAR2, validation and test",
    unit="claim",
    description="Newer political statements, posts on social media among them.",
    homepage="https://github.com/chengxuphd/liar2",
    license="Apache-2.0 (unverified)",
    citation="Xu, Kechadi: An Enhanced Fake News Detection System With Fuzzy Deep Learning, IEEE Access 2024.",
    label_meaning="Codes 3 to 5 (half-true, mostly-true, true) are real; 0 to 2 (pants-on-fire, false, barely-true) "
    "are fake.",
    n_rows=4591,
    removals=(Removal("liar-overlap", "These statements are in LIAR too.", overlap_with="liar"),),
    sha256="dc9844b2beef9fa017e2caf046144b73924dd6f29fd6f41da99911e7952c19bb",
)
