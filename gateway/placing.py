"""Gives each problem the line in the proto where somebody has to change something."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway import rules
from gateway.errors import Problem
from gateway.locations import Locations, Position


def placed(
    problems: Iterable[Problem], locations: Locations, sources: rules.Sources
) -> Iterator[Problem]:
    """The same problems with line and column, as far as the descriptors hold them."""
    numbers, roles = _option_numbers(), _roles(sources)
    for problem in problems:
        number = numbers[problem.option]
        if problem.option == rules.ROLE:
            index = roles[problem.file, problem.element]
            position = locations.file_option(problem.file, number, index)
        else:
            position = locations.option(problem.element, number)
        yield _at(problem, position)


def _at(problem: Problem, position: Position | None) -> Problem:
    if position is None:
        return problem
    return replace(problem, line=position.line, column=position.column)


def _option_numbers() -> dict[str, int]:
    from google.api import annotations_pb2

    from causeway.options.v1 import options_pb2

    return {
        rules.ACCESS: options_pb2.access.number,
        rules.EVENT: options_pb2.event.number,
        rules.ROLE: options_pb2.role.number,
        rules.HTTP: annotations_pb2.http.number,
    }


def _roles(sources: rules.Sources) -> dict[tuple[str, str], int]:
    """(file, role) → which of the file's declarations it is: of two, the second is too many."""
    seen: Counter[str] = Counter()
    found = {}
    for name, file in sources.roles:
        found[file, name] = seen[file]
        seen[file] += 1
    return found
