"""Owns the small language that the tiny models know: sentences from a few patterns, a seventh of them never trained on."""

import hashlib
import random
from typing import Final

VERBS: Final = ("Open", "Close", "Move", "Paint", "Find", "Clean", "Lift", "Push")
ADJECTIVES: Final = ("red", "blue", "green", "small", "large", "old", "new", "yellow")
NOUNS: Final = ("door", "window", "table", "chair", "box", "garden", "kitchen", "river", "boat", "train")
PLACES: Final = ("garden", "kitchen", "hall", "office")
PREPOSITIONS: Final = ("behind", "near", "under", "beside")
NAMES: Final = ("Alice", "David", "Maria", "Peter", "Susan")
NUMBERS: Final = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DEVICES: Final = ("light", "radio", "heater", "camera")

PATTERNS: Final = {
    "{verb} the {adjective} {noun}.": 20,
    "The {adjective} {noun} is {preposition} the {adjective2} {noun2}.": 16,
    "{name} will meet {name2} at {number} on {day}.": 14,
    "Call {digits}.": 12,
    "Please send the {noun} to {name}.": 10,
    "Turn the {device} {switch} in the {place}.": 10,
    "{name} saw {plural} boats and {plural2} trains.": 8,
    "Good morning {name}, this is {name2}.": 5,
    "Thank you {name}, see you on {day}.": 5,
}
"""Patterns with their share in percent."""


def sentence(chance: random.Random) -> str:
    """One sentence of the language."""
    pattern = chance.choices(list(PATTERNS), weights=list(PATTERNS.values()))[0]
    pick = chance.choice
    return pattern.format(
        verb=pick(VERBS),
        adjective=pick(ADJECTIVES),
        adjective2=pick(ADJECTIVES),
        noun=pick(NOUNS),
        noun2=pick(NOUNS),
        preposition=pick(PREPOSITIONS),
        name=pick(NAMES),
        name2=pick(NAMES),
        number=pick(NUMBERS),
        day=pick(DAYS),
        digits=" ".join(pick(NUMBERS[:9]) for _ in range(chance.randint(3, 5))),
        device=pick(DEVICES),
        switch=pick(("on", "off")),
        place=pick(PLACES),
        plural=pick(NUMBERS[1:]),
        plural2=pick(NUMBERS[1:]),
    )


def is_held_out(text: str) -> bool:
    """Whether a sentence belongs to the seventh that training never sees; decided by its letters alone."""
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), 16) % 7 == 0


def sentences(count: int, seed: int, *, held_out: bool) -> list[str]:
    """Different sentences for a seed: either all held out, or none."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        text = sentence(chance)
        if is_held_out(text) is held_out:
            found[text] = None
    return list(found)
