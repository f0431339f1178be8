"""Options of a node that waits out what befalls its Redis: a busy machine takes its time to start a process; what is
shown is that this costs time and nothing else."""

from support.build import duration

PATIENT = ("--request-timeout", duration(20), "--redis-patience", duration(20))
