"""What a measurement says of the machine that it was made on."""

from __future__ import annotations

from compressor_core.machine import machine, matrix_gflops, versions


def test_a_machine_has_a_name_and_a_speed() -> None:
    assert machine(2).processor and machine(2).threads == 2
    assert 0.1 < matrix_gflops() < 1e5


def test_versions_name_what_a_result_depends_on() -> None:
    assert {"python", "torch", "transformers"} <= set(versions()) and "absent" not in versions().values()
