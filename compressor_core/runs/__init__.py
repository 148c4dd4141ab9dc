"""Long work in separate processes, recorded in readable folders."""

from compressor_core.runs.context import RunContext
from compressor_core.runs.jobs import cancel, launch, resume
from compressor_core.runs.run import Run
from compressor_core.runs.status import State, Status
from compressor_core.runs.store import RunStore

__all__ = ["Run", "RunContext", "RunStore", "State", "Status", "cancel", "launch", "resume"]
