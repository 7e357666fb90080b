"""The names of passes in a journal: unique, and the same as in older work folders."""

import dataclasses
import itertools

import pytest

from unseam.scale.stages import STAGES
from unseam.scale.task import PassKind, PlanePass

KEYS = {
    "0/0/grey range": PlanePass(PassKind.GREY_RANGE),
    "1/2/network": PlanePass(PassKind.NETWORK, 1, 2),
    "0/0/objects flood/0": PlanePass(PassKind.FLOOD, round=0),
    "0/3/objects complete/2": PlanePass(PassKind.COMPLETE, plane=3, round=2),
    "0/0/pyramid/classes-1": PlanePass(PassKind.PYRAMID, result="classes", level=1),
    "0/0/pyramid/probabilities.2-3": PlanePass(PassKind.PYRAMID, result="probabilities", klass=2, level=3),
}


@pytest.mark.parametrize("key", KEYS)
def test_the_name_of_a_pass(key):
    assert KEYS[key].key == key


def test_different_passes_have_different_names():
    rounds = [PlanePass(kind, p, q, r) for kind in PassKind for p, q, r in itertools.product(range(2), range(2), (None, 0, 1))]
    levels = [PlanePass(PassKind.PYRAMID, 0, 0, None, "probabilities", k, n) for k in (None, 0, 1) for n in (1, 2)]
    keys = [one.key for one in rounds + levels]
    assert len(keys) == len(set(keys))


def test_each_pass_has_one_function_and_one_type_of_facts():
    assert set(STAGES) == set(PassKind)
    assert all(callable(function) and dataclasses.is_dataclass(facts) for function, facts in STAGES.values())
