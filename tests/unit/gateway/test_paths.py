import re

import pytest

from gateway import paths


@pytest.mark.parametrize(
    ("template", "shape"),
    [
        ("/v1/users:register", "/v1/users:register"),
        ("/v1/{name=users/*}", "/v1/users/*"),
        ("/v1/users/{id}:x", "/v1/users/*:x"),
        ("/v1/{parent=a/*}/{name=b/**}", "/v1/a/*/b/**"),
    ],
)
def test_a_shape_forgets_the_names(template: str, shape: str) -> None:
    assert paths.shape(template) == shape


def test_variables_are_field_paths() -> None:
    assert paths.variables("/v1/{user.name=users/*}/{id}") == ("user.name", "id")


def test_a_pattern_matches_its_own_paths_only() -> None:
    pattern = re.compile(paths.pattern("/v1/{name=users/*}:go"))
    assert pattern.fullmatch("/v1/users/7:go")
    for other in ("/v1/users/7", "/v1/users/7/8:go", "/v1/users/:go", "/v1/users/7:go/x"):
        assert not pattern.fullmatch(other)
