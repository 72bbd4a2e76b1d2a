"""What is not ours is neither adopted nor removed."""

from pathlib import Path

import pytest

from stack.errors import Code, StackError
from stack.state import make, wipe


def test_a_directory_with_a_readme_of_its_own_is_neither_adopted_nor_removed(
    tmp_path: Path,
) -> None:
    (tmp_path / "README").write_text("My project\n")
    (tmp_path / "code.py").write_text("precious")
    for touch in (make, wipe):
        with pytest.raises(StackError) as refused:
            touch(tmp_path)
        assert refused.value.code is Code.STATE_NOT_OURS
    assert (tmp_path / "code.py").read_text() == "precious"


def test_a_state_that_was_made_is_adopted_again_and_removed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    make(state)
    make(state)
    wipe(state)
    assert not state.exists()
