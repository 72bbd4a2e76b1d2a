"""Writes the generated modules, stubs and the descriptor set beside the protos.

``python -m gateway.generate`` rewrites; ``--check`` fails when anything committed differs;
``--aside DIR`` writes all of it below another folder, for who looks before taking it.
"""

import argparse
import filecmp
import importlib.resources
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
DESCRIPTORS = Path("causeway/descriptors.binpb")
# Error details travel as Any: transcoder and reflection know only what the descriptor set holds.
ERROR_PROTOS = ("google/rpc/error_details.proto", "google/rpc/status.proto")
# Lines and comments: compile errors point at them, and the documents are written from them.
DESCRIBED = ("causeway/", "google/type/")
THIRD_PARTY = ("google/api", "google/rpc", "google/type")


def site_packages() -> Path:
    """Where the wheels lie that ship the google/ protos."""
    return Path(str(importlib.resources.files("google.api"))).parent.parent


def well_known() -> Path:
    """Where grpcio-tools keeps google/protobuf/*.proto."""
    return Path(str(importlib.resources.files("grpc_tools"))) / "_proto"


def run_protoc(*arguments: str) -> None:
    """Run protoc; raises SystemExit with its messages shown when it fails."""
    from grpc_tools import protoc

    # Plugins are found on PATH by protoc; the one of this environment is named outright.
    plugin = Path(sys.executable).parent
    code = protoc.main(
        [
            "protoc",
            f"--plugin=protoc-gen-mypy={plugin / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={plugin / 'protoc-gen-mypy_grpc'}",
            *arguments,
        ]
    )
    if code:
        raise SystemExit(f"protoc failed with exit code {code}; its messages are above")


def generate(out: Path) -> None:
    """Generate everything below `out` (modules, stubs, descriptor set)."""
    (out / DESCRIPTORS).parent.mkdir(exist_ok=True)
    include = [f"-I{PROTOS}", f"-I{site_packages()}", f"-I{well_known()}"]
    causeway = sorted(str(p.relative_to(PROTOS)) for p in (PROTOS / "causeway").rglob("*.proto"))
    services = [name for name in causeway if name.endswith("_service.proto")]
    third_party = ["buf/validate/validate.proto"]
    run_protoc(
        *include, f"--python_out={out}", f"--mypy_out=readable_stubs,quiet:{out}",
        *causeway, *third_party,
    )  # fmt: skip
    run_protoc(
        *include,
        f"--grpc_python_out={out}",
        f"--mypy_grpc_out=readable_stubs,quiet:{out}",
        *services,
    )
    descriptors = out / DESCRIPTORS
    run_protoc(
        *include,
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={descriptors}",
        *causeway,
        *ERROR_PROTOS,
    )
    descriptors.write_bytes(completed(descriptors.read_bytes()))


def completed(descriptors: bytes) -> bytes:
    """Add health and reflection, whose wheels ship them as code only; drop others' comments."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from grpc_health.v1 import health_pb2
    from grpc_reflection.v1alpha import reflection_pb2

    files = FileDescriptorSet.FromString(descriptors)
    for file in files.file:
        if not file.name.startswith(DESCRIBED):
            file.ClearField("source_code_info")
    for module in (health_pb2, reflection_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    return files.SerializeToString(deterministic=True)


def generated_files(root: Path) -> list[Path]:
    """Relative paths of all generated files below `root`."""
    suffixes = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi", ".binpb")
    return sorted(p.relative_to(root) for p in root.rglob("*") if p.name.endswith(suffixes))


def differences(fresh: Path) -> list[str]:
    """What is committed and differs from `fresh`, is missing, or is left over: paths in protos/."""
    wanted, present = set(generated_files(fresh)), set(generated_files(PROTOS))
    changed = {p for p in wanted & present if not filecmp.cmp(fresh / p, PROTOS / p, shallow=False)}
    return sorted(str(p) for p in changed | (wanted ^ present))


def take(fresh: Path) -> list[str]:
    """Put what differs in its place, remove what is no longer generated; the paths in protos/."""
    differing = differences(fresh)
    for name in differing:
        _take(fresh / name, PROTOS / name)
    return differing


def lay_out_third_party() -> None:
    """Copy the google/ protos to where buf.yaml expects its second module."""
    target = ROOT / ".causeway" / "protos"
    for folder in THIRD_PARTY:
        shutil.copytree(
            site_packages() / folder,
            target / folder,
            ignore=lambda _, names: [n for n in names if not n.endswith(".proto")],
            dirs_exist_ok=True,
        )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description="Generate Python modules, stubs and the descriptor set from protos/.",
        epilog="example: python -m gateway.generate --check",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    parser.add_argument(
        "--aside", type=Path, metavar="DIR", help="write below DIR, an empty folder"
    )
    arguments = parser.parse_args()
    lay_out_third_party()
    if arguments.aside:
        generate(arguments.aside)
        return
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)  # aside: a proto that does not compile must not cost the modules
        if not arguments.check:
            changed = take(fresh)
            print("\n".join(f"wrote protos/{name}" for name in changed) or "nothing changed")
        elif differing := differences(fresh):
            raise SystemExit(
                "generated code differs: " + ", ".join(differing) + "; run `make generate`"
            )


def _take(fresh: Path, place: Path) -> None:
    """Put a generated file in its place, or remove what is no longer generated."""
    if not fresh.exists():
        place.unlink()
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(fresh, place)


if __name__ == "__main__":
    main()
