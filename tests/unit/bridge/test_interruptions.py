"""Interruptions that follow one another are a fault; those far apart are not."""

from bridge.consumer.interruptions import MANY, STEADY, Interruptions


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_many_that_follow_closely_are_told_until_it_is_steady_again() -> None:
    clock = Clock()
    interruptions = Interruptions(clock)
    told = []
    for _ in range(MANY):
        clock.now += STEADY / 2
        interruptions.note()
        told.append(interruptions.many)
    assert told == [False] * (MANY - 1) + [True]
    told = []
    for seconds in (STEADY, 1):
        clock.now += seconds
        told.append(interruptions.many)
    assert told == [True, False]
    interruptions.note()
    assert not interruptions.many


def test_those_far_apart_never_add_up() -> None:
    clock = Clock()
    interruptions = Interruptions(clock)
    for _ in range(MANY * 3):
        clock.now += STEADY + 1
        interruptions.note()
        assert not interruptions.many
