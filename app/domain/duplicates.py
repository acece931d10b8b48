"""Owns what being the same recording means for more than two: groups are the connected components of all pairs."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

Member = TypeVar("Member", bound=Hashable)


def groups_of(pairs: Iterable[tuple[Member, Member]]) -> frozenset[frozenset[Member]]:
    """Everything that a chain of pairs connects, in one set each; whoever is in no pair is in no group."""
    group: dict[Member, set[Member]] = {}
    for one, other in pairs:
        smaller, larger = sorted((group.get(one, {one}), group.get(other, {other})), key=len)
        # Every member moves to a set at least twice as large, so no more than log2(n) times.
        larger |= smaller
        for member in smaller:
            group[member] = larger
        group[one] = group[other] = larger
    return frozenset({id(members): frozenset(members) for members in group.values()}.values())
