"""Where the protos say what: the line of an element or option, and the comment above it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    SourceCodeInfo,
)

Path: TypeAlias = tuple[int, ...]
"""Field numbers and indexes from a FileDescriptorProto down, as SourceCodeInfo counts them."""

_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE, _FILE_OPTIONS = 4, 5, 6, 8
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM, _MESSAGE_OPTIONS = 2, 3, 4, 7
_SERVICE_METHOD, _METHOD_OPTIONS, _ENUM_VALUE = 2, 4, 2


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; both count from 1, as editors do."""

    line: int
    column: int


class Locations:
    """Elements by full name; enum values as `package.Enum.VALUE`. Empty without source info."""

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self._places: dict[str, dict[Path, SourceCodeInfo.Location]] = {}
        self._elements: dict[str, tuple[str, Path]] = {}
        for file in files:
            places = {tuple(one.path): one for one in file.source_code_info.location}
            self._places[file.name] = places
            self._elements |= {name: (file.name, path) for name, path in _elements(file)}

    def option(self, element: str, number: int) -> Position | None:
        """Where the element has the option with this number; where it lacks it, the element."""
        file, path = self._elements.get(element, ("", ()))
        options = _METHOD_OPTIONS if _is_method(path) else _MESSAGE_OPTIONS
        return self._position(file, (*path, options, number)) or self._position(file, path)

    def element(self, name: str) -> Position | None:
        """Where the element begins."""
        return self._position(*self._elements.get(name, ("", ())))

    def file_option(self, file: str, number: int, index: int) -> Position | None:
        """Where a file has the option: its `index`-th value, from 0."""
        return self._position(file, (_FILE_OPTIONS, number, index))

    def comments(self) -> dict[str, str]:
        """Full name → what the comment above it says, or the one behind it on its line."""
        found = {}
        for name, (file, path) in self._elements.items():
            place = self._places[file].get(path)
            text = place and (place.leading_comments or place.trailing_comments)
            if text:
                found[name] = "\n".join(line.strip() for line in text.strip().splitlines())
        return found

    def _position(self, file: str, path: Path) -> Position | None:
        place = self._places.get(file, {}).get(path)
        return Position(place.span[0] + 1, place.span[1] + 1) if place else None


def _is_method(path: Path) -> bool:
    return path[:1] == (_FILE_SERVICE,)


def _elements(file: FileDescriptorProto) -> Iterator[tuple[str, Path]]:
    prefix = f"{file.package}." if file.package else ""
    for index, service in enumerate(file.service):
        path = (_FILE_SERVICE, index)
        yield f"{prefix}{service.name}", path
        for number, method in enumerate(service.method):
            yield f"{prefix}{service.name}.{method.name}", (*path, _SERVICE_METHOD, number)
    for index, message in enumerate(file.message_type):
        yield from _message(prefix, message, (_FILE_MESSAGE, index))
    for index, enum in enumerate(file.enum_type):
        yield from _enum(prefix, enum, (_FILE_ENUM, index))


def _message(prefix: str, message: DescriptorProto, path: Path) -> Iterator[tuple[str, Path]]:
    name = f"{prefix}{message.name}"
    yield name, path
    for index, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*path, _MESSAGE_FIELD, index)
    for index, nested in enumerate(message.nested_type):
        yield from _message(f"{name}.", nested, (*path, _MESSAGE_NESTED, index))
    for index, enum in enumerate(message.enum_type):
        yield from _enum(f"{name}.", enum, (*path, _MESSAGE_ENUM, index))


def _enum(prefix: str, enum: EnumDescriptorProto, path: Path) -> Iterator[tuple[str, Path]]:
    name = f"{prefix}{enum.name}"
    yield name, path
    for index, value in enumerate(enum.value):
        yield f"{name}.{value.name}", (*path, _ENUM_VALUE, index)
