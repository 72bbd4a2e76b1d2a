"""The golden cases: in/<case>.proto, each a platform of its own."""

from pathlib import Path

from gateway.model import Model
from gateway.reading import read_model
from tests.gateway.protos import compiled

HERE = Path(__file__).parent
CASES = sorted(path.stem for path in (HERE / "in").glob("*.proto"))


def model_of_case(case: str) -> Model:
    """What the compiler reads from one case."""
    file = (
        "causeway/harbour/v1/events.proto"
        if case == "events"
        else f"causeway/{case}/v1/{case}_service.proto"
    )
    return read_model(compiled({file: (HERE / "in" / f"{case}.proto").read_text()}))
