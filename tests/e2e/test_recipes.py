"""docs/recipes.md, pasted block by block: every method works so, over REST and over gRPC.

CAUSEWAY_TEST_UPDATE=1 writes the answers of this run into the document.
"""

import os

import pytest

from client.methods import surface
from tests.platform import ROOT, Platform
from tests.recipes import METHOD, PATH, Recipe, answers, read, shape, shown, values
from tests.shell import Outcome, paste

UPDATE = bool(os.environ.get("CAUSEWAY_TEST_UPDATE"))
DOCUMENT = PATH.read_text("utf-8")
BLOCKS, RECIPES = read(DOCUMENT)
ANSWERED = [recipe for recipe in RECIPES if recipe.answer is not None]
# A stream is left when the time that its line gives it is over: curl says 28, grpcurl 64 + 4, or
# 64 + 13 where the edge, which is told of that time too, was first and reset the stream.
LEFT = {"--max-time": {28}, "-max-time": {68, 77}}


@pytest.fixture(scope="module")
def outcomes(causeway: Platform) -> list[Outcome]:
    environment = causeway.environment | causeway.settings
    found = paste(BLOCKS, ROOT, environment, timeout=110)
    if UPDATE:
        PATH.write_text(_updated(found), "utf-8")
    return found


def _updated(outcomes: list[Outcome]) -> str:
    document = DOCUMENT
    for recipe in ANSWERED:
        block = next(i for i in recipe.commands if values(outcomes[i].text))
        answer = shown(answers(outcomes[block].text))
        head, title, tail = document.partition(f"# {recipe.title}\n")
        before, _, rest = tail.partition("```json\n")
        document = head + title + before + f"```json\n{answer}```" + rest.partition("```")[2]
    return document


def _good(block: str, outcome: Outcome) -> bool:
    allowed = next((codes for flag, codes in LEFT.items() if f" {flag} " in block), {0})
    return outcome.code in allowed


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_each_line_does_what_it_says(recipe: Recipe, outcomes: list[Outcome]) -> None:
    for number in recipe.commands:
        assert _good(BLOCKS[number], outcomes[number]), outcomes[number]
        refused = any({"code", "message"} <= {*told} for told in values(outcomes[number].text))
        assert refused == (recipe.title == "A refusal"), outcomes[number]


@pytest.mark.parametrize("recipe", ANSWERED, ids=lambda recipe: recipe.title)
def test_the_answer_has_the_shape_that_is_shown(recipe: Recipe, outcomes: list[Outcome]) -> None:
    expected = _paths(recipe.answer or "")
    for number in recipe.commands:
        found = _paths(outcomes[number].text)
        if BLOCKS[number].startswith("curl "):
            assert found == expected
        elif BLOCKS[number].startswith("grpcurl "):
            # It leaves out what is empty.
            assert answers(outcomes[number].text)
            assert found <= expected


def _paths(text: str) -> set[str]:
    return {path for value in answers(text) for path in shape(value)}


def test_every_method_has_a_recipe_over_both() -> None:
    assert {f"/{name}" for block in BLOCKS for name in METHOD.findall(block)} == set(surface())
    for recipe in RECIPES:
        texts = [BLOCKS[number] for number in recipe.commands]
        methods = {name.rpartition("/")[2] for text in texts for name in METHOD.findall(text)}
        if methods:
            assert methods == {recipe.title}
            over_rest = any(text.startswith("curl ") for text in texts)
            assert over_rest == (recipe.title != "PublishEvents"), "it alone has no REST binding"
