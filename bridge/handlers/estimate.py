"""How long a request would take."""

from __future__ import annotations

import time

from bridge.engine_host.supervisor import Supervisor
from bridge.errors import JobError
from bridge.handlers import Caller, Replies, Table
from bridge.handlers.completion import Completion
from bridge.jobs.job import Job
from bridge.jobs.runner import Jobs
from bridge.osc.commands import Draft, Estimate
from bridge.osc.replies import Estimated


class EstimateHandlers:
    def __init__(self, jobs: Jobs, engine: Supervisor, completion: Completion):
        self._jobs = jobs
        self._engine = engine
        self._completion = completion

    @property
    def table(self) -> Table:
        return {Estimate: self.estimate}

    async def estimate(self, command: Estimate, caller: Caller) -> Replies:
        asked = command.of
        submit = self._completion.admit(self._completion.complete(asked) if isinstance(asked, Draft) else asked)
        rates, engine, request = self._jobs.rates, self._engine, submit.request
        if engine.model:
            rates.warmed_up(engine.loaded, engine.model)
        found = rates.estimate(request, engine.loaded == request.model)
        if found is None:
            why = "loads its model still" if engine.state == "starting" else f"has made nothing with {request.model} yet"
            raise JobError(f"how long this takes cannot be estimated: the daemon {why}", "no_estimate")
        waits = [self._left_s(job) for job in self._jobs.unended]
        pairs = {"new_s": request.seconds, "measured": found.measured, "wait_s": sum(waits)}
        yield Estimated(command.id, found.first_s, found.total_s, pairs)

    def _left_s(self, job: Job) -> float:
        """Until a job that runs or waits has ended; 0 where nothing is known of it."""
        found = self._jobs.rates.estimate(job.request)
        if found is None:
            return 0.0
        return max(0.0, found.total_s - (time.monotonic() - job.started if job.started is not None else 0.0))
