"""Long work in processes of its own, recorded in folders that anybody can read."""

from compressor_core.runs.context import RunContext
from compressor_core.runs.jobs import cancel, launch, resume
from compressor_core.runs.store import Run, RunStore, State, Status

__all__ = ["Run", "RunContext", "RunStore", "State", "Status", "cancel", "launch", "resume"]
