"""English or not: long and short texts, other scripts, mixtures, and what is no language at all."""

from __future__ import annotations

import pytest

from fakenews.data.registry import load
from fakenews.language import P_ENGLISH, english_probability, is_english
from fakenews.text import count_words

DEMO = load("demo")
FOREIGN = DEMO[(DEMO["subject"] == "other-language")]

SHORT_FOREIGN = {
    "de": "Die Brücke über den Fluss wird am Montag wegen Bauarbeiten für zwei Wochen gesperrt.",
    "fr": "Le pont sur la rivière sera fermé lundi pendant deux semaines pour des travaux.",
    "es": "El puente sobre el río estará cerrado desde el lunes durante dos semanas por obras.",
    "it": "Il ponte sul fiume resterà chiuso da lunedì per due settimane a causa dei lavori.",
    "nl": "De brug over de rivier is vanaf maandag twee weken dicht vanwege werkzaamheden.",
    "pl": "Most nad rzeką będzie zamknięty od poniedziałku przez dwa tygodnie z powodu remontu.",
    "tr": "Nehrin üzerindeki köprü pazartesiden itibaren iki hafta boyunca trafiğe kapatılacak.",
    "ru": "Мост через реку будет закрыт с понедельника на две недели из-за ремонта.",
    "ar": "سيغلق الجسر فوق النهر ابتداء من يوم الاثنين لمدة أسبوعين بسبب أعمال الصيانة.",
    "zh": "由于施工，河上的桥梁从星期一起将关闭两个星期。",
    "ja": "川にかかる橋は工事のため月曜日から二週間通行止めになります。",
    "hi": "नदी पर बना पुल मरम्मत के कारण सोमवार से दो सप्ताह तक बंद रहेगा।",
}


@pytest.mark.parametrize("text", FOREIGN["text"].tolist(), ids=lambda text: text[:12])
def test_articles_in_other_languages_are_not_english(text):
    assert english_probability(text) < 0.01
    assert not is_english(text)


def test_every_english_article_of_the_demo_is_english():
    texts = DEMO[DEMO["subject"] != "other-language"]["text"]
    assert len(texts) > 60
    assert [text[:40] for text in texts if not is_english(text)] == []


@pytest.mark.parametrize("language", SHORT_FOREIGN)
def test_a_plain_sentence_in_another_language_is_recognised(language):
    assert not is_english(SHORT_FOREIGN[language])
    assert not is_english(" ".join([SHORT_FOREIGN[language]] * 5))


@pytest.mark.parametrize("text", ["", "…", "12 34", "Hello", "OK", "Pacific Gas and Electric", "The mayor"])
def test_what_is_too_short_to_tell_is_not_called_foreign(text):
    assert is_english(text)


def test_a_foreign_quotation_leaves_an_article_english_and_a_foreign_article_with_an_english_one_does_not():
    english = DEMO[DEMO["subject"] == "wire"]["text"].iloc[0]
    german = FOREIGN["text"][FOREIGN["text"].str.contains(" der ")].iloc[0]
    assert is_english(f"{english} «{SHORT_FOREIGN['de']}»")
    assert not is_english(f"{german} “The bridge is closed.”")


@pytest.mark.parametrize("order", ["first half", "second half", "in turns"])
def test_a_text_that_is_half_in_another_language_is_not_english(order: str) -> None:
    english = [
        f"The council met on {day} to talk about the old bridge, and two of its members asked who would pay for "
        "the work that the engineer had proposed before the winter."
        for day in ("Monday", "Tuesday", "Thursday", "Friday")
    ]
    spanish = [
        f"El consejo se reunió el {day} para hablar del puente viejo, y dos de sus miembros preguntaron quién pagaría "
        "las obras que el ingeniero había propuesto antes del invierno."
        for day in ("lunes", "martes", "jueves", "viernes")
    ]
    paragraphs = {
        "first half": [*spanish, *english],
        "second half": [*english, *spanish],
        "in turns": [*english[:2], *spanish, *english[2:]],
    }[order]
    assert not is_english("\n\n".join(paragraphs))
    assert is_english("\n\n".join([*english, spanish[0], *english]))


def test_names_from_elsewhere_leave_a_text_english():
    text = (
        "Bundeskanzlerin Angela Merkel met Recep Tayyip Erdogan and Emmanuel Macron at Schloss Meseberg on Tuesday, "
        "where the Bundesnachrichtendienst briefed ministers from Uagadugu, Ljubljana and Reykjavik about pipelines "
        "between Szczecin, Gdansk and Klaipeda that Gazprom and Wintershall wish to build before winter."
    )
    assert count_words(text) >= 40
    assert english_probability(text) > P_ENGLISH


def test_a_long_row_of_numbers_is_no_english():
    assert not is_english("7 12 23 31 40 44 " * 12)
    assert is_english("In 2016 it was 31 of 40, in 2017 it was 44 of 51, and the mayor was glad. " * 4)
