"""Groups are the connected components of pairs."""

import random

from hypothesis import given
from hypothesis import strategies as st

from app.domain.duplicates import groups_of

PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(lambda pair: pair[0] != pair[1]), max_size=60)


def reached(pairs: list[tuple[int, int]], start: int) -> frozenset[int]:
    """Everything that can be walked to, step by step."""
    known, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for pair in pairs:
            if here in pair:
                waiting += [member for member in pair if member not in known]
                known.update(pair)
    return frozenset(known)


def test_a_chain_is_one_group() -> None:
    """Whoever is the same as somebody who is the same is the same; strangers stay apart."""
    assert groups_of([(2, 1), (3, 2), (9, 8)]) == {frozenset({1, 2, 3}), frozenset({8, 9})}
    assert groups_of([]) == frozenset()


@given(PAIRS)
def test_groups_are_what_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    """Every member's group is exactly what a walk along the pairs reaches: transitive, and nothing more."""
    assert groups_of(pairs) == {reached(pairs, member) for pair in pairs for member in pair}


@given(PAIRS)
def test_groups_are_a_partition(pairs: list[tuple[int, int]]) -> None:
    """Everybody in a pair is in one group, nobody is in two, and no group has only one member."""
    groups = groups_of(pairs)
    members = [member for group in groups for member in group]
    assert len(members) == len(set(members))
    assert set(members) == {member for pair in pairs for member in pair}
    assert all(len(group) > 1 for group in groups)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_pairs_makes_no_difference(pairs: list[tuple[int, int]], chance: random.Random) -> None:
    """Neither which pair comes first nor which way round it is."""
    mixed = [pair if chance.random() < 0.5 else pair[::-1] for pair in chance.sample(pairs, len(pairs))]
    assert groups_of(mixed) == groups_of(pairs)
