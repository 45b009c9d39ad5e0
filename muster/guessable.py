"""The passwords that everybody tries first, for a service whose operator has no list of breached ones.

What is left of a password without the usual decorations (case, figures for letters, digits and signs around it,
repetition) is looked up among words that people take, alone or two in a row; runs of keys, of the alphabet and of
digits need no list. The words were collected for this project and are under its own licence (Apache-2.0).

Owns these words and rules. Pure. Must never be taken for a list of breached passwords: `muster doctor` says so.
"""

from __future__ import annotations

from typing import Final

WORDS: Final = frozenset(
    """
    abc abcd access account action adidas admin adminadmin administrator adrian agent aikido alaska albert alex
    alexander alexis alice alison allison alpha amanda amber america american amigos amor amore amour anderson
    andrea andreas andrew angel angela angelo angels animal anna annie anthony antonio apollo apple apples april
    aragorn archer argentina ariel arsenal arthur asdf asdfasdf asdfgh asdfjkl ashley asshole asterix athena
    august austin australia azerty babe baby babygirl babygurl badboy bailey ball ballin banana bandit barbara
    barbie barcelona barney baseball basket basketball batman bear beautiful beauty beaver benjamin berlin beth
    beyonce bigdaddy bigdog bird birthday bitch black blackie blessed blink blonde blood blue bluebird bob bond
    bonjour boomer boston brandon brandy brasil brazil brian brittany bronco broncos brooklyn brother brown
    bubba bubbles buddy bull bulldog buster butter butterfly caballo cactus calvin camaro cameron canada captain
    carlos carmen carolina caroline casper cat champion chance change changeit changeme charles charlie cheese
    chelsea chester chicago chicken china chivas chocolate chris christ christian christina christine christmas
    cocacola coffee compaq computer contrasena cookie cookies cool cooper corvette cowboy cowboys crazy cream
    cricket cristina crystal daddy daisy dakota dallas daniel daniela danielle dario david death default demo
    denver destiny dexter diablo diamond dodgers dog dolphin dolphins domino donald dragon dragonball dreamer
    dreams eagle eagles east easy eclipse eddie edward einstein element elephant elizabeth ellie emily eminem
    enter eric estrella europe everton extreme facebook faith falcon family fashion felix fender ferrari fire
    firebird fish fishing florida flower flowers football forest forever france francis frank freddy freedom
    friend friends fuck fucker fucking fuckme fuckoff fuckyou gabriel gandalf garden gateway gemini gemma george
    germany ghost giants gibson ginger giovanni girl girls gloria god godzilla gold golden golf google gordon
    gracie green griffin guest guitar gunner hahaha hallo hammer hannah happy hardcore harley harry harrypotter
    hatter heart heather heaven hello helpme hermes hockey holiday holidays home honda honey horse hotmail
    hottie house howard hunter hunting icecream iceman ilovegod iloveme iloveu iloveyou iloveyouso india
    infinity internet ireland isabel isabella israel italia ivan jack jackie jackson jaguar jake james japan
    jasmine jason jasper jennifer jeremy jesse jessica jessie jesus jesuschrist john johnny johnson jonathan
    jordan jose joseph joshua juan julia julian julie juliet june junior justin juventus karen katie kelly
    kenneth kevin killer king kingdom kings kitten kitty knight kristina lakers laura lauren legend leo letme
    letmein letmeinnow liberty life lion little liverpool lizard lollipop london lord lorenzo loser louise love
    lovely loveme lover loveyou lucas lucky lucy madison madrid maggie magic manager manchester manuel marcus
    margaret maria marina marine mario mark marlboro marley marseille martin martina master matrix matthew
    maverick max maxwell mercedes merlin metal metallica mexico michael michelle mickey midnight miguel mike
    milan miller minecraft mom money monica monkey monster montana moon morgan mother motorola mountain muffin
    murphy music mustang muster naruto nascar natalie natasha nathan naughty ncc newyork nicholas nicole ninja
    nirvana nissan nokia nothing november october oliver olivia orange pacman paloma pamela panda pantera
    panther paradise paris parker pass passion passw passwd password passwords passwort patricia patrick paul
    peace peaches peanut pepper peter phantom phoenix phone picture pink pirate player please pokemon poland
    police pookie porsche portugal power precious prince princesa princess private public pumpkin puppy purple
    qazwsx qwert qwerty qwertyui qwertyuiop qwertz rabbit rachel raiders rainbow ranger rangers real realmadrid
    rebecca rebel red redsox regina richard robert roberto rock rocket rockstar rocky roger romeo ronaldo root
    rosebud rosie russia ryan sabrina sakura salasana samantha samsung samuel sandra santiago sarah sasha saturn
    savannah school scooby scooter scorpion scott sebastian secret secreto security september service sexy
    shadow shannon shelby shit shopping silver simple singer skippy slayer sleep slipknot smile smiley smokey
    snickers snoopy snow snowball snowman soccer sophie spain sparky spider spiderman spongebob spring spurs
    star start starwars steelers stephanie steven stupid success sugar summer sunday sunflower sunshine super
    superman superstar support sweet sweetheart sweetie sweets sydney sysadmin system tamara taylor teacher
    teddy temp temporary tennis teresa test tester testing texas thomas thunder thursday tiger tigger time
    tinker tinkerbell titanic tokyo tom tomcat tomtom toor topgun toyota trinity trouble trustme trustno
    trustnoone turtle tweety twilight unicorn united universe unknown user username valentina vanessa victor
    victoria video viking vincent violet viper virginia voyager wachtwoord walter warcraft warrior welcome
    wersdf whatever white william willow wilson windows winner winter wizard wolf wolves wonder word work world
    xavier xbox yamaha yankee yankees yellow zaq zaqwsx zelda zidane zxcv zxcvbn zxcvbnm
    """.split()  # noqa: SIM905  # a list of 700 quoted words reads worse
)
_LETTERS: Final = str.maketrans("013457@$!", "oieastasi")
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "1q2w3e4r5t6y7u8i9o0p",
)
_DIGITS_FEW: Final = 12
"""Digits and signs alone are dates and telephone numbers up to here."""

_PERIOD_MOST: Final = 4
_RUN_LEAST: Final = 3
_DECORATION_MOST: Final = 8
"""A date. More digits and signs than that are worth something by themselves."""


class Guessable:
    """See `muster.password_policy.KnownPasswords`."""

    def has(self, password: str) -> bool:
        """Whether it is one that is tried first. Reads nothing."""
        folded = password.casefold()
        digits = sum(map(str.isdigit, folded))
        if folded.isascii() and digits < _DIGITS_FEW and not any(map(str.isalpha, folded)):
            return True
        whole = _once(folded)
        return len(whole) <= _PERIOD_MOST or _is_run(folded) or _is_words(whole)


def _is_words(whole: str) -> bool:
    """One word, or two, with digits and signs around them, or with figures for letters."""
    bare = "".join(letter for letter in whole if letter.isalpha())
    if len(whole) - len(bare) > _DECORATION_MOST:
        return False
    read = _trimmed(whole).translate(_LETTERS)
    return any(_one_or_two(word) for word in (bare, read, _once(bare)))


def _one_or_two(word: str) -> bool:
    if word in WORDS:
        return True
    return any(word[:at] in WORDS and word[at:] in WORDS for at in range(3, len(word) - 2))


def _trimmed(text: str) -> str:
    """Without what stands around the letters."""
    letters = [at for at, letter in enumerate(text) if letter.isalpha()]
    return text[letters[0] : letters[-1] + 1] if letters else ""


def _once(text: str) -> str:
    """`abcabcabc` as `abc`: the shortest beginning that, repeated, is all of it."""
    at = (text + text).find(text, 1)
    return text[:at] if len(text) % at == 0 else text


def _is_run(text: str) -> bool:
    """Nothing but runs of neighbouring keys or letters, either way, of three or more: qweasdzxc, 12345678."""
    at = 0
    while at < len(text):
        length = max(_run_at(text[at:], row) for row in (*_RUNS, *(row[::-1] for row in _RUNS)))
        if length < _RUN_LEAST:
            return False
        at += length
    return True


def _run_at(text: str, row: str) -> int:
    length = 0
    while length < len(text) and text[: length + 1] in row:
        length += 1
    return length
