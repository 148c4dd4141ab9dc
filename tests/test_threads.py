from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compressor_core.distill.settings import LabelSettings, TrainingSettings
from compressor_core.errors import SettingsError
from compressor_core.evaluate.settings import CalibrationSettings, CompareSettings, MeasureSettings, ReproduceSettings
from compressor_core.export.settings import ExportSettings
from compressor_core.settings import MOST_THREADS

ASKED: tuple[Callable[..., Any], ...] = (
    lambda **own: CalibrationSettings(**own),
    lambda **own: MeasureSettings(models=("one",), **own),
    lambda **own: CompareSettings(teacher="teacher", student="student", **own),
    lambda **own: ReproduceSettings(
        checkpoint="a", tokenizer="b", teacher="codebert", task="vulnerability", dataset="devign", **own
    ),
    lambda **own: ExportSettings(model="one", **own),
    lambda **own: LabelSettings(teacher="teacher", unlabelled="pool", **own),
    lambda **own: TrainingSettings(epochs=1, learning_rate=1e-3, **own),
)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("threads", [0, -1, True, 1.5, MOST_THREADS + 1, 99999999999999999999])
def test_no_machine_has_so_many_threads(asked: Callable[..., Any], threads: Any) -> None:
    """Torch overflows with the last one, and takes all others."""
    assert asked(threads=2).threads == 2
    with pytest.raises(SettingsError, match=r"threads must be a whole number from 1 to 1,?024"):
        asked(threads=threads)
