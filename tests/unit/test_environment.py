"""The installed packages fit together."""


def test_the_newer_of_two_wheels_that_ship_opentelemetry_protos_is_the_one_installed() -> None:
    from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

    assert InstrumentationScope(name="ours").name == "ours"


def test_a_folder_named_causeway_beside_a_script_does_not_hide_the_generated_code() -> None:
    import causeway

    assert causeway.__file__ is not None
