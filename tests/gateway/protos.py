"""Small protos, compiled as ours are, for tests of the model and the emitters."""

import tempfile
from pathlib import Path

from gateway import generate
from gateway.descriptors import Descriptors, parse
from gateway.model import Model
from gateway.reading import read_model

HEADER = """
syntax = "proto3";
package {package};
import "causeway/options/v1/options.proto";
import "google/api/annotations.proto";
import "google/protobuf/empty.proto";
"""


def compiled(sources: dict[str, str]) -> Descriptors:
    """Path from the proto root → text, compiled together with our options."""
    from grpc_tools import protoc

    with tempfile.TemporaryDirectory() as folder:
        for name, text in sources.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        out = Path(folder) / "set.binpb"
        include = (folder, generate.PROTOS, generate.site_packages(), generate.well_known())
        code = protoc.main(
            [
                "protoc",
                *(f"-I{path}" for path in include),
                "--include_imports",
                "--include_source_info",
                f"--descriptor_set_out={out}",
                *sources,
            ]
        )
        assert code == 0, "protoc refused the test's own proto"
        return parse(out.read_bytes(), sources)


def model_of(body: str, package: str = "causeway.shop.v1", **more: str) -> Model:
    """The model of one service file; `more`: file name without .proto → body, same package."""
    folder = package.replace(".", "/")
    bodies = {"shop_service": body, **more}
    header = HEADER.format(package=package)
    return read_model(
        compiled({f"{folder}/{name}.proto": header + text for name, text in bodies.items()})
    )
