"""The proof shares nothing with the compiler that it judges."""

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[4]
PROOF = ROOT / "gateway/proof"
ALLOWED = {"buf", "causeway", "google", "grpc"}


def imported(path: Path) -> set[str]:
    """Full names of the modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, path
            found.add(node.module or "")
    return found


def test_it_imports_generated_modules_and_the_standard_library_only() -> None:
    for path in PROOF.rglob("*.py"):
        for name in imported(path):
            first = name.partition(".")[0]
            own = name == "gateway.proof" or name.startswith("gateway.proof.")
            assert own or first in ALLOWED or first in sys.stdlib_module_names, (path.name, name)


def test_no_emitter_borrows_from_it() -> None:
    for path in (ROOT / "gateway").rglob("*.py"):
        if PROOF not in path.parents:
            assert not any(name.startswith("gateway.proof") for name in imported(path)), path


def test_the_contract_names_every_other_part_of_the_gateway() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (contract,) = (
        one for one in contracts["contracts"] if one.get("source_modules") == ["gateway.proof"]
    )
    parts = {
        f"gateway.{path.stem}"
        for path in (ROOT / "gateway").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    named = set(contract["forbidden_modules"])
    assert parts - {"gateway.__init__", "gateway.proof"} <= named
