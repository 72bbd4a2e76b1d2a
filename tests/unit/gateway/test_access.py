"""The access matrix holds every method, event and exception, and what a default is."""

from pathlib import Path

from gateway.access.matrix import matrix
from gateway.access.page import page
from gateway.compile import differences, documents, outputs, write
from gateway.deployments import container
from gateway.descriptors import load
from gateway.reading import read_model
from tests.gateway.cases import model_of_case

MODEL = read_model(load())


def test_every_method_and_every_event_has_its_row() -> None:
    found = matrix(MODEL)
    assert [f"/{row['method']}" for row in found["methods"]] == [m.path for m in MODEL.methods()]
    events = [row["type"] for topic in found["topics"] for row in topic["events"]]
    assert sorted(events) == sorted(event.name for event in MODEL.events)
    text = page(MODEL)
    assert [m.name for m in MODEL.methods() if f"`{m.name}`" not in text] == []


def test_a_role_that_includes_another_is_told_over_any_distance() -> None:
    rows = {
        row["method"].rpartition("/")[2]: row for row in matrix(model_of_case("forms"))["methods"]
    }
    assert (rows["GetForm"]["roles"], rows["GetForm"]["rolesIncluding"]) == (
        ["clerk"],
        ["head", "board"],
    )
    assert (rows["MoveForm"]["maxRequestBytes"], rows["MoveForm"]["timeoutSeconds"]) == (512, 3)
    assert (rows["ReadFile"]["maxRequestBytes"], rows["ReadFile"]["timeoutSeconds"]) == (65536, 300)


def test_a_document_that_is_missing_or_changed_differs_and_other_pages_are_left(
    tmp_path: Path,
) -> None:
    wanted = outputs(MODEL, container(), [])
    write(wanted, tmp_path)
    (tmp_path / "docs/mine.md").write_text("by hand")
    (tmp_path / "docs/mine.json").write_text("{}")
    assert differences(wanted, tmp_path) == []
    (tmp_path / "docs/openapi.json").unlink()
    (tmp_path / "docs/access.md").write_text("anybody")
    assert [str(one) for one in differences(wanted, tmp_path)] == [
        "docs/access.md",
        "docs/openapi.json",
    ]
    write(wanted, tmp_path)
    assert {path.name for path in (tmp_path / "docs").iterdir()} == {
        *documents(MODEL),
        "mine.md",
        "mine.json",
    }
