"""Which services are behind the protos."""

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.descriptors import Descriptors, load
from stack.live import served

AREAS = ("bridge", "notifications", "orders", "users")


def changed(package: str) -> Descriptors:
    """The platform's protos, with a field more in one package."""
    files = FileDescriptorSet()
    files.CopyFrom(load().files)
    next(f for f in files.file if f.package == package).message_type[0].field.add(name="new")
    return Descriptors(files, {})


def test_after_a_start_nobody_is_behind(tmp_path: Path) -> None:
    digests = served.digests(load(), AREAS)
    assert served.behind(tmp_path, digests) == []
    served.note(tmp_path, digests)
    assert served.behind(tmp_path, digests) == []


def test_a_service_whose_protos_changed_is_behind_and_the_bridge_with_it(tmp_path: Path) -> None:
    served.note(tmp_path, served.digests(load(), AREAS))
    fresh = served.digests(changed("causeway.orders.v1"), AREAS)
    # The bridge answers for everybody's events and is asked for everybody's methods.
    assert served.behind(tmp_path, fresh) == ["bridge", "orders"]
    served.note(tmp_path, {"orders": fresh["orders"]})
    assert served.behind(tmp_path, fresh) == ["bridge"]


def test_a_comment_puts_nobody_behind(tmp_path: Path) -> None:
    served.note(tmp_path, served.digests(load(), AREAS))
    files = FileDescriptorSet()
    files.CopyFrom(load().files)
    for file in files.file:
        file.source_code_info.location.add(leading_comments="another word")
    assert served.behind(tmp_path, served.digests(Descriptors(files, {}), AREAS)) == []


def test_an_area_that_was_never_started_is_not_behind(tmp_path: Path) -> None:
    served.note(tmp_path, served.digests(load(), AREAS))
    assert served.behind(tmp_path, {"packing": "1234"}) == []
