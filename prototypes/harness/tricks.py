"""The ways in which code gets a good number without doing the work, each with its name.

A check that fails because of one of them carries its trick, and the run's error names it: a person
reads what happened, a program reads the code. What can't be caught stands in
docs/add-a-prototype.md.
"""

from __future__ import annotations

from enum import StrEnum


class Trick(StrEnum):
    """What measured code did instead of its work. Always `broken`: no number leaves."""

    NOT_WRITTEN = "output_not_written"
    """All or part of an output still holds the harness's poison: nothing was written, what an
    earlier call left is passed off as new, or a generator was returned that never ran."""
    REPLACED = "output_replaced"
    """An output is another object, class, shape or memory than the one handed in (lazy tensors)."""
    RETURNED = "result_returned"
    """Something that still has to be run or awaited came back from the call."""
    LATE = "finished_late"
    """The work went on after the call had returned: a thread, another stream."""
    WROTE_INPUTS = "inputs_written"
    REMEMBERED = "answers_remembered"
    """Faster on inputs that were seen, or could be foreseen, than on fresh ones."""
    LOW_PRECISION = "precision_dropped"
    """Outputs declared in a wide type carry only values of a narrower one."""
    PATCHED = "harness_patched"
    """A clock, a torch function or a part of the harness was replaced."""
    LOOKED = "harness_inspected"
    """Call stack, garbage collector or trace hooks were used to look at the harness."""
    SETTINGS = "settings_changed"
    """Threads, default types or precision of the whole process were changed."""
    WRONG_WHEN_TIMED = "wrong_when_timed"
    """Right while it was checked, wrong in the calls that were timed."""
