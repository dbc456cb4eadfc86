"""What producers say, in the words a model with a small vocabulary has learnt.

Such a model reads "rhodes" as no word at all. Here it becomes "electric piano", and the result says so. Nothing is put into
words that a model has not learnt itself, and a model that reads any words, as the released ones do, is given them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

# Words said: words learnt. Several said ones are divided by commas; the longest that is found in a prompt counts.
_TABLE = """
rhodes, wurlitzer, wurli, e-piano, epiano, electric keys, suitcase piano, fender rhodes: electric piano
keys, grand piano, upright piano, felt piano, acoustic piano, piano chords, keyboard, ivories: piano
808, 808s, 808 bass, 808 sub: sub bass
808 kit, 808 drums, 808 beat, tr-808, tr 808, tr808: trap, drums
909, 909 kit, 909 drums, tr-909, tr 909, tr909, drum machine, 606, 707, linndrum: techno, drums
303, tb-303, tb 303, 303 bass, acid line, acid bass, acid, squelchy, squelch: techno, synth bass
reese, reese bass, neuro bass, growl, growl bass, wobble, wobble bass, wub: dark, synth bass
moog, moog bass, analog bass, analogue bass, mono synth, fm bass: synth bass
sine bass, deep bass, subs, low end, sub: sub bass
bassline, bass line: bass
bass guitar, fingered bass, p-bass: electric bass
double bass, contrabass, acoustic bass, standup bass: upright bass
fretless, walking bass: upright bass
slapped bass: slap bass
hammond, hammond b3, church organ, drawbar, farfisa: organ
clav: clavinet
vibes, mallets, marimba, glockenspiel, bells, bell, music box, xylophone, celesta, kalimba: vibraphone
acoustic guitar, steel string, steel guitar, western guitar, strummed guitar, fingerpicked guitar, folk guitar: clean guitar
acoustic: clean guitar, piano
classical guitar, spanish guitar, nylon, ukulele, uke, mandolin, banjo: nylon guitar
electric guitar, strat, telecaster, jangly: clean guitar
crunch guitar, fuzz guitar, rhythm guitar, guitar riff, riff: overdriven guitar
heavy guitar, metal guitar, shredding, distortion: distorted guitar
palm muted guitar, palm mute, chicken scratch, wah guitar: muted guitar
violin, violins, cello, viola, orchestra, orchestral, string section, string quartet, symphonic: strings
legato strings, lush strings, string pad: slow strings
horns, horn section, brass section, brass stabs, trombone, tuba, french horn: brass
sax, tenor sax, alto sax, saxophones: saxophone
harmon mute, muted horn: muted trumpet
pan flute, recorder, woodwinds, clarinet, oboe, whistle: flute
vocal chops, vocal chop, vox, vocals, vocal, voices, choral, choirs, singing, acapella, a cappella, oohs, aahs: choir
supersaw, super saw, detuned saws, hoover, rave lead, big lead, trance lead: saw lead
chiptune, chip tune, 8-bit, 8 bit, chip lead, gameboy, game boy, square wave: square lead
synths, synthesizer, synthesiser, analog synth, analogue synth, juno, jupiter, prophet, dx7, analog, analogue: polysynth
modular: polysynth
pluck, plucks, plucked synth, arp, arps, arpeggio, arpeggios, arpeggiated, arpeggiator, sequence, stab, stabs: polysynth
chord stab: polysynth
pads, synth pad, ambient pad, texture, textures, atmosphere, atmospheres, strings pad, lush: warm pad
shimmer, glassy, airy, angelic, crystalline: halo pad
sweep, sweeps, filter sweep, riser, risers, uplifter, noise sweep, downlifter: sweep pad
kick, kicks, snare, snares, hats, hi-hats, hi hats, hihats, hihat, hat, clap, claps, rim, percussion, percussive, perc: drums
beats: drums
breakbeat, breakbeats, big beat: funk, drums, energetic
brushed drums, brushes, hand claps, handclaps, finger snaps, snaps: drums
breaks, drum loop, drum break, drumloop, top loop, top loops, congas, bongos, shaker, toms, drummer, drumkit, drum kit: drums
amen, amen break, breakcore: jungle, drums
acid house: house, synth bass
acid jazz: funk, electric piano
drum n bass, drum'n'bass, d&b, neurofunk, neuro, liquid dnb, jump up: drum and bass
tech house, tech-house, bass house, afro house, afrohouse, jackin house, jackin, chicago house, electro house: house, groovy
big room: house, groovy
progressive house, prog house, organic house, melodic house: deep house, uplifting
french house, disco house, nu disco, nu-disco, disco, filter house: house, funk, groovy
edm, festival, mainstage, dance: house, uplifting
uk garage, ukg, garage, speed garage, 2-step, 2 step, two step, bassline house: house, groovy, sub bass
amapiano, log drum, gqom, afrotech, afro: deep house, groovy
afrobeat, afrobeats, dancehall, reggaeton, dembow, moombahton, soca: reggae, groovy, drums
ska, rocksteady, one drop, skank: reggae
minimal, minimal techno, detroit, detroit techno, peak time techno, melodic techno, industrial, ebm, hard techno: techno
hardstyle, hardcore, gabber, rave, hard dance, rawstyle: trance, energetic
psytrance, psy trance, psy, goa, goa trance, progressive trance, eurodance: trance, hypnotic
dubstep, brostep, riddim, grime: trap, dark, sub bass
dub delay, dubby, basic channel: dub techno
drill, uk drill, phonk, memphis, trap soul, crunk, cloud rap, rage beat, plugg, 808 mafia: dark trap
future bass, melodic trap, hyperpop, jersey club, wave: trap, synth
boom bap, boombap, hip-hop, hiphop, rap, old school hip hop, jazz hop, jazzhop, study beats, golden era: lo-fi hip hop
triphop, trip hop, trip-hop: lo-fi hip hop
lo fi, low fi, chill beats, chill, chilled, downtempo, chillout: lo-fi, relaxed
neo soul, neo-soul, r&b, rnb, soul, motown, gospel: lo-fi hip hop, soulful, electric piano
vaporwave, chillwave, mallsoft: synthwave, nostalgic, relaxed
retro, 80s, eighties, outrun, new wave, synth pop, synthpop, italo, italo disco, darksynth: synthwave
cinematic, film score, soundtrack, score, trailer, filmic, movie: atmospheric, strings
epic, heroic, massive, huge, hybrid orchestral: energetic, strings, brass
new age, meditation, yoga, spa, healing, sleep, soundscapes, drones, dark ambient, space ambient: ambient
hard rock, classic rock, punk, pop punk, grunge, garage rock, metal, heavy metal, alternative rock, math rock: rock, energetic
post rock, post-rock, shoegaze, dream pop: indie rock, dreamy
folk, singer songwriter, singer-songwriter, campfire, bluegrass, americana, country: ballad, clean guitar
pop, power ballad, love song, torch song: ballad
latin, samba, brazil, salsa, mpb, bolero, cumbia: bossa nova
bebop, cool jazz, big band, gypsy jazz, hard bop, jazzy, ragtime, lounge, noir: jazz
rhythm and blues, delta blues, twelve bar, 12 bar, boogie: blues
p-funk, g-funk, slap house: funk
gritty, grimy, crunchy, crunch, distorted drums, saturated, fuzzy, overdriven, dirty, raw, rough, lofi texture, bitcrushed: gritty
dusty, vinyl, crackle, tape, tape hiss, vintage, old school, oldschool, cassette: dusty
warm, analog warmth, smooth, silky, rich, fat, thick, round: warm
dark, brooding, sinister, evil, spooky, horror, eerie, ominous, gloomy, moody, haunting, suspense, mysterious: dark
aggressive, angry, evil bass, threatening: menacing
sad, melancholic, melancholy, emotional, heartbreak, somber, lonely, blue: sad
happy, joyful, cheerful, feel good, feel-good, upbeat, positive, summer, summery, tropical, beach: sunny
hopeful, inspiring, motivational, uplift, anthemic, triumphant, feelgood: uplifting
ethereal, celestial, otherworldly, cosmic, spacey, space, reverb, reverberant, wide, washed out: spacious
floaty, weightless, hazy: floating
peaceful, serene, tranquil, gentle, soft, quiet, soothing: calm
punchy, hard, hard-hitting, banging, banger, heavy, powerful, intense, hype, high energy, fast, frantic: energetic
bouncy, bounce, groove, swung, swinging, head nod, danceable, club: groovy
hypnotic, repetitive, trippy, psychedelic, looping: hypnotic
glitch, glitchy, quirky, weird, fun: playful
half-time, halftime, half time, sparse, laidback, chilled out, lazy: laid-back
four on the floor, four-on-the-floor, 4 on the floor, 4x4, four to the floor: house, drums
triplet, triplets, shuffled: shuffle
crisp, sparkling, shiny, clear: bright
sexy, sensual, intimate: romantic
futuristic, cyberpunk, neon lights, sci-fi, scifi: neon
"""

# What a part of a piece can be, in the words a model has learnt for it, and what is said of it otherwise.
PARTS = (
    "electric piano", "piano", "clavinet", "vibraphone", "organ", "nylon guitar", "clean guitar", "muted guitar",
    "overdriven guitar", "distorted guitar", "guitar", "upright bass", "electric bass", "picked bass", "slap bass", "synth bass",
    "sub bass", "bass", "slow strings", "strings", "choir", "muted trumpet", "trumpet", "brass", "saxophone", "flute",
    "square lead", "saw lead", "warm pad", "halo pad", "sweep pad", "polysynth", "pad", "lead",
)  # fmt: skip
DRUMS = "drums"
OTHERS = ("drums", "bass", "strings", "pad")  # that a lone part is kept free of; more would pull at the words that are asked for

_PART = "|".join(re.escape(part) for part in sorted((*PARTS, DRUMS), key=len, reverse=True))
_SOLO = re.compile(
    rf"\b(?:solo|only|just|nothing but)\s+(?:an?\s+|the\s+)?(?P<part>{_PART})\b|\b(?P<alone>{_PART})\s+(?:only|alone)\b"
)
_EXCLUSION = re.compile(rf",?\s*\b(?:no|without)\s+(?:an?\s+|any\s+|the\s+)?(?P<part>{'|'.join(map(re.escape, PARTS))})\b")


@dataclass(frozen=True)
class Spoken:
    """A prompt in a model's own words."""

    text: str
    substitutions: tuple[tuple[str, str], ...] = ()  # (what was said, what it is read as)
    solo: str | None = None  # the one part that plays
    excluded: tuple[str, ...] = ()  # parts that shall not; drums are in the text, "no drums", as models learn it


def in_own_words(prompt: str, known: Collection[str], styles: Collection[str] = ()) -> Spoken:
    """A prompt in the words that a model has learnt. known: those words. styles: those of them that name a style.

    A word that is known is left. Where a known style is named, what is said besides adds its sound to it, and no other style.
    """
    text, substitutions = prompt, []
    style = _style_in(_without(prompt, known), styles)
    for said, learnt in _found(prompt, known):
        parts = [part for part in learnt.split(", ") if part not in styles or style in (None, part)]
        style = style or next((part for part in parts if part in styles), None)
        others = re.sub(_whole(said), " ", text, flags=re.IGNORECASE)
        read_as = ", ".join(part for part in parts if not _says(others, part))
        text = re.sub(_whole(said), read_as, text, flags=re.IGNORECASE)
        substitutions.append((said, ", ".join(parts) or str(style)))
    text = _tidied(text)
    if (found := _SOLO.search(text.lower())) is not None:
        part = found["part"] or found["alone"]
        left = _EXCLUSION.sub("", text[: found.start()] + part + text[found.end() :])
        excluded = [other for other in OTHERS if other not in part and not (other == "bass" and "bass" in part)]
        asked = left if part == DRUMS or _says(left, "no drums") else f"{left}, no {DRUMS}"
        return Spoken(_tidied(asked), tuple(substitutions), part, tuple(other for other in excluded if other != DRUMS))
    excluded = [found["part"] for found in _EXCLUSION.finditer(text.lower())]
    return Spoken(_tidied(_EXCLUSION.sub("", text.lower()) if excluded else text), tuple(substitutions), None, tuple(excluded))


def _found(prompt: str, known: Collection[str]) -> list[tuple[str, str]]:
    """(said, learnt) of all that a prompt says in other words than a model's, in the order in which it says so."""
    words, left, found = _lexicon(), prompt.lower(), []
    for said in _phrases():
        if said not in left:  # most are not, and patterns take far longer
            continue
        at = re.search(_whole(said), left)
        if at is None or set(_words(said)) <= set(known) or not set(_words(words[said])) <= set(known):
            continue
        found.append((at.start(), said, words[said]))
        left = re.sub(_whole(said), lambda gone: "\0" * len(gone[0]), left)
    return [(said, learnt) for _, said, learnt in sorted(found)]


def _without(prompt: str, known: Collection[str]) -> str:
    for said, _ in _found(prompt, known):
        prompt = re.sub(_whole(said), " ", prompt, flags=re.IGNORECASE)
    return prompt


def _style_in(words: str, styles: Collection[str]) -> str | None:
    """The longest style that words name."""
    return max((style for style in styles if style and _says(words, style)), key=len, default=None)


def _says(text: str, words: str) -> bool:
    return re.search(_whole(words), text, re.IGNORECASE) is not None


def _whole(said: str) -> str:
    return rf"(?<![\w-]){re.escape(said)}(?![\w-])"


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _tidied(text: str) -> str:
    """Without the commas and blanks that are left where words have gone, and the words that have come twice."""
    text = re.sub(r"\s{2,}", " ", re.sub(r"(?:\s*,)+\s*", ", ", text)).strip(" ,")
    return re.sub(r"\b(\w+) \1\b", r"\1", text)


@cache
def _lexicon() -> dict[str, str]:
    """Each word or phrase said, with the words learnt."""
    lines = (line.split(": ") for line in _TABLE.strip().splitlines())
    return {said.strip(): learnt.strip() for many, learnt in lines for said in many.split(", ")}


@cache
def _phrases() -> list[str]:
    """The longest first: a techno kit is no kit of techno."""
    return sorted(_lexicon(), key=lambda said: (-len(said), said))
