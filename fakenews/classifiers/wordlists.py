"""Closed lists of English words that style is counted by, in the form the neutral text gives them.

Written for this project. Clitics are gone from the neutral text ("they re" is "they") and negations are one word
("couldnt"); the lists are written accordingly. A word may be on several lists.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORD_LISTS: dict[str, frozenset[str]] = {
    "articles": _words("a an the"),
    "prepositions": _words(
        "about above across after against along amid among around at before behind below beneath beside between beyond "
        "by despite down during for from in inside into near of off on onto out outside over past per since through "
        "throughout to toward towards under until up upon via with within without"
    ),
    "conjunctions": _words("and but or nor so yet although because if once than though unless whereas while whether"),
    "auxiliaries": _words("am are be been being did do does had has have having is was were"),
    "modals": _words("can could may might must ought shall should will would cannot"),
    "negations": _words(
        "no not nor never none nobody nothing nowhere neither aint arent cant couldnt didnt doesnt dont hadnt hasnt "
        "havent isnt mightnt mustnt neednt shouldnt wasnt werent wont wouldnt"
    ),
    "contracted_negations": _words(
        "aint arent cant couldnt didnt doesnt dont hadnt hasnt havent isnt mightnt mustnt neednt shouldnt wasnt werent "
        "wont wouldnt"
    ),
    "first_person_singular": _words("i me my mine myself"),
    "first_person_plural": _words("we us our ours ourselves"),
    "second_person": _words("you your yours yourself yourselves"),
    "third_person_singular": _words("he him his himself she her hers herself"),
    "third_person_plural": _words("they them their theirs themselves"),
    "it_pronouns": _words("it its itself"),
    "demonstratives": _words("this that these those"),
    "question_words": _words("what when where which who whom whose why how"),
    "quantifiers": _words("all any both each enough every few many more most much several some"),
    "reporting_verbs": _words(
        "said says say told tells added adds announced asked argued called cited claimed confirmed declined denied "
        "described explained insisted noted quoted reported reporting replied responded stated suggested testified "
        "tweeted urged warned wrote"
    ),
    "attributions": _words(
        "according anonymity briefed comment condition declined interview official officials representative "
        "source sources spokesman spokesperson spokeswoman statement"
    ),
    "weekdays": _words("monday tuesday wednesday thursday friday saturday sunday"),
    "months": _words(
        "january february march april june july august september october november december jan feb aug sept oct nov dec"
    ),
    "relative_times": _words("ago already earlier later now recently soon then today tomorrow tonight yesterday"),
    "honorifics": _words(
        "mr mrs ms dr sen rep gov sir president minister senator representative governor secretary chancellor "
        "ambassador leader chairman lawmaker lawmakers"
    ),
    "hedges": _words(
        "about allegedly almost apparently appear appeared appears approximately around could expected largely likely "
        "may maybe might often partly perhaps possible possibly presumably probably reportedly roughly seem seemed "
        "seems seemingly sometimes somewhat suggest suggests supposedly unlikely usually"
    ),
    "boosters": _words(
        "absolutely actually basically certainly clearly completely definitely even exactly extremely fully just "
        "literally obviously only quite really simply so such surely totally truly utterly very"
    ),
    "absolutes": _words(
        "all always any anyone anything every everybody everyone everything forever never nobody nothing"
    ),
    "positive_words": _words(
        "accomplish achieve achieved admire agree amazing applaud award beautiful benefit benefits best better bless "
        "brave bright brilliant celebrate celebrated charming cheer clean comfort confident courage delight easy "
        "effective encourage enjoy excellent excited fair faith fantastic favor fine free freedom friend friendly "
        "gain generous gentle gift glad good grand grateful great growth happy healthy help helpful hero honest honor "
        "hope hopeful improve improved innocent inspire inspired joy justice kind love loved loyal lucky nice peace "
        "peaceful perfect pleased popular positive praise praised progress prosperity protect proud rescue respect "
        "safe safety smart smile stable strong succeed success successful support thank thanks thrive triumph trust "
        "truth victory welcome win winner wonderful worthy"
    ),
    "negative_words": _words(
        "abuse abused accuse accused afraid anger angry appalling attack attacked attacks awful bad ban banned bitter "
        "blame brutal collapse condemn condemned corrupt corruption crime criminal crisis critical cruel damage danger "
        "dangerous dead deadly death defeat desperate destroy destroyed disaster disgrace disgusting dishonest evil "
        "fail failed failure fake fear fight fraud guilty harm hate hatred hell horrible horrific hostile hurt illegal "
        "kill killed lie lied lies lose losing loss lost mad massacre mistake murder nasty outrage outrageous pain "
        "panic pathetic poor problem problems racist reject rejected ridiculous riot sad scandal scared shame "
        "shocked sick stupid suffer terrible terror threat threaten threatened tragedy tragic trouble ugly unfair "
        "victim victims violence violent war weak worse worst wrong"
    ),
    "sensational_words": _words(
        "bombshell breaking busted caught chilling conspiracy coverup cover destroys disturbing epic explosive exposed "
        "exposes hidden hilarious hoax humiliated incredible insane leaked meltdown outrageous plot "
        "proof revealed reveals ruthless savage scandal secret secretly shock shocker shocking shreds slams stunned "
        "stunning unbelievable unreal viral wow"
    ),
    "insults": _words(
        "bigot bigots clown coward cowards crazy creep crook crooked delusional disgrace dumb fascist fool fools idiot "
        "idiotic idiots ignorant incompetent insane liar liars loser lunatic moron morons nazi nut pathetic psycho "
        "puppet racist scum shameful snowflake stupid thug thugs traitor vile"
    ),
    "informal_words": _words(
        "anyway awesome bunch cool crap damn folks gonna gotta guess guy guys hell hey huge kids kinda lol lot lots "
        "ok okay oh pretty stuff sure thing things wanna wow yeah yep yes"
    ),
    "media_words": _words(
        "article audience blog cable channel clip facebook fans footage headline host image internet media mainstream "
        "network news online photo post posted reporter screenshot segment show social tweet tweets twitter video "
        "watch web website youtube"
    ),
    "number_words": _words(
        "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred hundreds "
        "thousand thousands million millions billion billions first second third dozen dozens half"
    ),
    "thinking_verbs": _words(
        "believe believed believes feel feels felt hope hoped know knew knows mean means think thinks thought "
        "understand want wanted wants wish"
    ),
    "imperatives": _words("check click imagine let look listen make remember see share stop take tell wait watch"),
}

LISTS_OF: dict[str, tuple[str, ...]] = {
    word: tuple(name for name, words in WORD_LISTS.items() if word in words)
    for word in sorted(frozenset().union(*WORD_LISTS.values()))
}
