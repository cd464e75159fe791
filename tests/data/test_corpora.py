"""The registry, and the polarity of every corpus on rows whose label is known from their source."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fakenews.data import registry
from fakenews.data.base import TextNotHere
from fakenews.data.removals import matched
from fakenews.data.table import as_table, write_table
from fakenews.schema import FAKE, LABELS, REAL

# Ids of rows that were read beside their source: a hoax, a rewrite or a refuted claim; an agency report or an answer.
# Those of the six corpora of November 2026 were picked by title and `subject` alone, not read beside their source.
POLARITY = {
    "isot": {
        FAKE: ("c61ea74cf18b490a", "df3081c5101bcf67"),
        REAL: ("0d6f6952dec85624", "3a2ec85978a2ab7f"),
    },
    "horne2017": {
        FAKE: ("0f2c1eaf14a8868f", "566309b1db37b1b4"),
        REAL: ("df79f562c84382f6", "57fa5d9dcfb2314b"),
    },
    "fakenewsamt": {
        FAKE: ("cfe697e0cc241672", "fa156754fc56ac14"),
        REAL: ("7c0ebd7aae4a8b58", "455304f46e741db0"),
    },
    "fakenewsnet": {
        FAKE: ("d7fdbfb6af8d2f37", "887f341652313002"),
        REAL: ("706ab69171491ded", "535ab3b067cd639f"),
    },
    "gossipcop_subset": {
        FAKE: ("8f854c53c098f96e", "1bf70af418b37de5"),
        REAL: ("15084e212989f597", "3b7639b42cfe18fe"),
    },
    "gossipcop": {
        FAKE: ("62e14d344bea39c5", "30808545db83ee98"),
        REAL: ("7bac2262e1cafbd1", "6de6f7c96e5546b1"),
    },
    "recovery": {
        FAKE: ("30987587f11812ba", "1deef6f0f08826a9"),
        REAL: ("170c9de1d2992c63", "bf088db23dab585c"),
    },
    "ctfan": {
        FAKE: ("ee4e721d6d6328fa", "5d4103115ba350b8"),
        REAL: ("4a6b5089b479601a", "b4e470d91c69debb"),
    },
    "fakehealth_release": {
        FAKE: ("092b32a59ec59cb6", "73dfb58f4803bf44"),
        REAL: ("6cb4206435e71cec", "ec183c0f7a23d165"),
    },
    "webis2016": {
        FAKE: ("1a7239431a625f85", "c44915cbcc727a07"),
        REAL: ("7f29138ac666b3ea", "16bb070c6b708e6a"),
    },
    "fakes": {
        FAKE: ("1608cc31415ab859", "e416dc6386cb7c46"),
        REAL: ("9f730503ef7a539b", "63985c6134d4880b"),
    },
    "coaid_news": {
        FAKE: ("f62170082a9077d1", "671579aec44b9a95"),
        REAL: ("a639b8a76e50bf0f", "6819376c50462b2f"),
    },
    "coaid_claims": {
        FAKE: ("9e2e86fccaa30ba9", "6ce2bccc37b9bee7"),
        REAL: ("3ed53a9fea8afa83", "42c933d5af03b329"),
    },
    "constraint": {
        FAKE: ("f7cf39a50b185cdb", "5c25d4bb2aec72b2"),
        REAL: ("19d53450afe7f5de", "180079a46ccf662f"),
    },
    "liar": {
        FAKE: ("00e5635e5fe5aa18", "1e80ed21a14e78ff"),
        REAL: ("b7c026f7c447145f", "f184c957382397b5"),
    },
    "liar2_valtest": {
        FAKE: ("f68dfb0c5b88d060", "d4f4c7c5628027de"),
        REAL: ("158a1d62f8c5403f", "72341dedfaa0fa07"),
    },
    "golbeck_fake_satire": {FAKE: ("83b45a79bfcf6e14", "27200707906ac0e1"), REAL: ()},
    "horne2017_satire": {FAKE: ("294795e44dae720b", "19706b09756a25f8"), REAL: ()},
    "hoax_sites_fake": {FAKE: ("44d9431d087c1afc", "7399a7f1ed1c55a9", "85337066773f532b"), REAL: ()},
    "allsides_real": {FAKE: (), REAL: ("5bf757e051ca1def", "536487cc2fd1f773", "7aa714fb61fea5d0")},
}
REMOVED = {
    ("fakenewsnet", "isot-overlap"): 1,
    ("webis2016", "isot-overlap"): 16,
    ("webis2016", "mixture"): 206,
    ("gossipcop", "unmatched"): 8943 - 2432,
    ("ctfan", "partially-false"): 188,
    ("hoax_sites_fake", "satire"): 238,
}


def test_every_name_is_the_name_of_its_spec() -> None:
    assert len(registry.DATASETS) == 21
    for name, spec in registry.DATASETS.items():
        assert spec.name == name
        assert spec.unit in ("article", "claim", "post")
        for words in (spec.title, spec.description, spec.license, spec.citation, spec.label_meaning, spec.get_hint):
            assert words.strip() == words != ""
        assert spec.n_rows > 0
        assert len({r.name for r in spec.removals}) == len(spec.removals)
        for removal in spec.removals:
            assert removal.reason.endswith(".")
            assert bool(removal.keep) != (removal.overlap_with in registry.DATASETS)


def test_an_unknown_corpus_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"Unknown corpus 'isto'\. Known: demo, isot, .*allsides_real\."):
        registry.get("isto")


def test_an_unknown_removal_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Unknown removal 'x' for webis2016\. Known: isot-overlap, mixture\."):
        registry.load("webis2016", tmp_path, remove=["x"])
    with pytest.raises(ValueError, match=r"for liar\. Known: none\."):
        registry.load("liar", tmp_path, remove="x")


def test_absent_text_comes_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(TextNotHere, match=r'FAKENEWS_DATA names no folder\. Run "fakenews data get isot"'):
        registry.load("isot")
    with pytest.raises(TextNotHere, match=r"there is no .*webis2016.parquet. Get it at https://zenodo.org"):
        registry.load("webis2016", tmp_path)


def test_named_removals_leave_rows_out(tmp_path: Path) -> None:
    isot = pd.DataFrame({"text": ["A pier opens."], "title": "Pier opens in the harbour", "label": 1})
    webis = pd.DataFrame(
        {
            "text": ["A pier opens!", "Rated half true.", "Rated true."],
            "subject": ["m/p/mostly true", "m/p/mixture of true and false", "m/p/mostly true"],
            "label": [1, 0, 1],
        }
    )
    for name, frame in (("isot", isot), ("webis2016", webis)):
        write_table(as_table(frame), tmp_path / f"{name}.parquet")
    assert len(registry.load("webis2016", tmp_path)) == 3
    assert registry.load("webis2016", tmp_path, ["isot-overlap", "mixture"])["text"].tolist() == ["Rated true."]


def test_as_many_fake_as_real_rows_of_a_publisher_remain() -> None:
    publishers = ["big"] * 150 + ["small"] * 5 + ["fake only"] * 3
    labels = [0] * 70 + [1] * 80 + [0, 1, 1, 1, 0] + [0] * 3
    ids = [f"{(7 * i) % len(labels):03}" for i in range(len(labels))]  # 7 and 158 share no factor: all differ
    frame = as_table(pd.DataFrame({"id": ids, "text": ids, "subject": publishers, "label": labels}))
    kept = frame[matched(frame)]
    counts = kept.groupby(["subject", "label"]).size().to_dict()
    assert counts == {("big", 0): 60, ("big", 1): 60, ("small", 0): 2, ("small", 1): 2}
    small = frame[(frame["subject"] == "small") & (frame["label"] == REAL)]["id"]
    assert sorted(small)[:2] == sorted(kept[(kept["subject"] == "small") & (kept["label"] == REAL)]["id"])


def test_corpora_of_one_source_are_one_family() -> None:
    families = {name: registry.family_of(name) for name in registry.DATASETS}
    assert families["gossipcop"] == families["gossipcop_subset"] != families["fakenewsnet"]
    assert families["horne2017"] == families["horne2017_satire"] == families["hoax_sites_fake"]
    assert registry.family_of("isot") == "isot" and registry.family_of("mine") == "mine"


def test_the_registry_loads_no_library() -> None:
    code = "import sys, fakenews.data.registry; print([m for m in ('pandas', 'sklearn', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_every_corpus_but_the_demo_has_pinned_rows() -> None:
    assert set(POLARITY) == set(registry.DATASETS) - {"demo"}


@pytest.fixture(params=sorted(POLARITY))
def corpus(request: pytest.FixtureRequest, data_folder: Path) -> tuple[str, pd.DataFrame]:
    """Name and table of a corpus, where the very rows of the published figures are at hand."""
    name = request.param
    try:
        path = registry.find(name, data_folder)
    except TextNotHere as error:
        pytest.skip(str(error))
    if hashlib.sha256(path.read_bytes()).hexdigest() != registry.get(name).sha256:
        pytest.skip(f"{path.name} is another version of the corpus than the pinned rows are from")
    return name, registry.load(name, data_folder)


def test_known_rows_have_their_known_label(corpus: tuple[str, pd.DataFrame]) -> None:
    name, frame = corpus
    assert len(frame) == registry.get(name).n_rows
    labels = dict(zip(frame["id"], frame["label"], strict=True))
    for label, ids in POLARITY[name].items():
        assert [labels[i] for i in ids] == [label] * len(ids), LABELS[label]
    present = {label for label, ids in POLARITY[name].items() if ids}
    assert set(frame["label"]) == present


def test_subjects_of_isot_and_webis_agree_with_the_labels(data_folder: Path) -> None:
    from fakenews.data.isot import SUBJECTS

    try:
        isot, webis = (registry.load(name, data_folder) for name in ("isot", "webis2016"))
    except TextNotHere as error:
        pytest.skip(str(error))
    known = isot[isot["subject"].isin(list(SUBJECTS))]
    assert len(known) > 1000
    assert (known["subject"].map(SUBJECTS) == known["label"]).all()
    assert (webis["subject"].str.endswith("mostly true") == (webis["label"] == REAL)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "removal"), sorted(REMOVED))
def test_removals_leave_out_the_rows_they_name(name: str, removal: str, data_folder: Path) -> None:
    try:
        for needed in (name, registry.get(name).removal(removal).overlap_with or name):
            path = registry.find(needed, data_folder)
            if hashlib.sha256(path.read_bytes()).hexdigest() != registry.get(needed).sha256:
                pytest.skip(f"{path.name} is another version of the corpus")
    except TextNotHere as error:
        pytest.skip(str(error))
    assert len(registry.load(name, data_folder, [removal])) == registry.get(name).n_rows - REMOVED[name, removal]
