"""Background work: submit a job, watch it, cancel it, try it again.

A job's row in the catalog is the truth about it; whoever reads it here sees the same. The work is
done by a runner of its own (`python -m app.jobs`), which is started when it is needed and goes on
when the web server or the command that asked for it ends. Nothing heavy is imported here.
"""

from app.jobs.client import active, cancel, get, recent, retry, submit, wait
from app.jobs.context import JobCancelledError, JobContext, JobFailedError, JobLostError
from app.jobs.launch import ensure_runner, reap
from app.jobs.watch import FINAL, JobView, describe, describe_all, subject

__all__ = [
    "FINAL",
    "JobCancelledError",
    "JobContext",
    "JobFailedError",
    "JobLostError",
    "JobView",
    "active",
    "cancel",
    "describe",
    "describe_all",
    "ensure_runner",
    "get",
    "reap",
    "recent",
    "retry",
    "subject",
    "submit",
    "wait",
]
