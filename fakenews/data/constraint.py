"""Constraint at AAAI 2021: COVID-19 posts."""

from fakenews.data.base import DatasetSpec, Removal

SPEC = DatasetSpec(
    name="constraint",
    title="Constraint 2021",
    unit="post",
    description="Social-media posts on COVID-19 with the official split; far shorter than any article.",
    homepage="https://github.com/diptamath/covid_fake_news",
    license="Repository MIT; the data for research.",
    citation="Patwa et al.: Fighting an Infodemic: COVID-19 Fake News Dataset, arXiv:2011.03327.",
    label_meaning="The task's fake and real, taken as they are.",
    n_rows=10499,
    removals=(
        Removal("liar2-overlap", "These posts are word for word LIAR2 statements.", overlap_with="liar2_valtest"),
    ),
    sha256="7a192bd1b4a21d4aff1fcee2737ad8116c56f4d9dc60ca0a743fb3a15dd054ff",
)
