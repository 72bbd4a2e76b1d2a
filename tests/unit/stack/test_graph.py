"""The order of the start, and what a chosen subset pulls in."""

import pytest

from stack.choices import parse_choices
from stack.component import Task
from stack.errors import Code, StackError
from stack.graph import dependents, matching, require_sound, select


async def _nothing() -> None:
    return None


def _task(name: str, *after: str) -> Task:
    return Task(name=name, run=_nothing, after=after)


CHAIN = [_task("a"), _task("b", "a"), _task("c", "b"), _task("kafka-1"), _task("kafka-2")]


def test_a_subset_pulls_in_what_it_comes_after_and_nothing_else() -> None:
    assert [node.name for node in select(CHAIN, ["b"])] == ["a", "b"]


def test_a_first_word_stands_for_all_that_begin_with_it() -> None:
    assert [node.name for node in select(CHAIN, ["kafka"])] == ["kafka-1", "kafka-2"]
    assert matching(["orders-api-1", "orders"], "orders") == ["orders-api-1", "orders"]


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(StackError, match="there is no 'kafak'; there are: a, b, c") as raised:
        select(CHAIN, ["kafak"])
    assert raised.value.code is Code.UNKNOWN_NAME
    assert raised.value.usage


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([_task("a"), _task("a")], "two nodes are named a"),
        ([_task("a", "b")], "a comes after b, which does not exist"),
        ([_task("a", "b"), _task("b", "a"), _task("c")], "these wait for each other: a, b"),
    ],
)
def test_a_graph_that_could_never_start_is_refused(nodes: list[Task], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        require_sound(nodes)


def test_what_comes_directly_after_a_node_stops_before_it() -> None:
    assert dependents(CHAIN)["a"] == {"b"}


def test_scale_and_subset_are_read_from_words() -> None:
    choices = parse_choices(["orders=2,users=3"], ["postgres,kafka", "edge"])
    assert (choices.replicas("orders"), choices.replicas("users")) == (2, 3)
    assert choices.replicas("bridge") == 1
    assert choices.only == ("postgres", "kafka", "edge")


@pytest.mark.parametrize("word", ["orders", "orders=0", "orders=11", "edge=2", "orders=two"])
def test_a_scale_that_can_not_be_is_refused(word: str) -> None:
    with pytest.raises(StackError, match="--scale"):
        parse_choices([word], [])


def test_a_scale_that_can_not_be_is_refused_in_the_words_of_its_command() -> None:
    with pytest.raises(StackError, match="causeway scale orders=99: one of orders") as raised:
        parse_choices(["orders=99"], [], "causeway scale")
    assert raised.value.next_command == "causeway scale orders=2"
