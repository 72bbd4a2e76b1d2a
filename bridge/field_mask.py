"""What an update means to change: the field mask of a standard method Update (AIP-134, AIP-161)."""

from collections.abc import Sequence

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from bridge.errors import FieldViolation, InvalidArgument

EVERYTHING = "*"


def paths_of(mask: FieldMask, resource: Message, writable: Sequence[str]) -> frozenset[str]:
    """The fields of `resource` that shall be written, all of them among `writable`.

    No mask, and an empty one, take the fields that are set; `*` takes all that can be written, set
    or not. InvalidArgument: a path that is no field, or one that can't be written.
    """
    named = frozenset(mask.paths)
    if unknown := sorted(named - {EVERYTHING, *writable}):
        text = f"{unknown[0]} is not one of {', '.join(writable)} or {EVERYTHING}"
        violation = FieldViolation("update_mask", text)
        raise InvalidArgument(f"update_mask: {text}", violations=(violation,))
    if EVERYTHING in named:
        return frozenset(writable)
    present = frozenset(field.name for field, _ in resource.ListFields())
    return named or present.intersection(writable)
