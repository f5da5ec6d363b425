"""What every chapter's exercises share.

    registry     Exercise, graded, mutant, alternative: how a chapter declares what it asks
    student      Student: what a grading test talks to; it calls, compares and records
    answers      where the answers come from: a module, or a module with one function replaced
    compare      when two answers are the same
    runner       run a test on a set of answers; name the misconception behind a wrong one
    kill_matrix  which test catches which wrong answer

A grading test never sees a function of the student's, only answers to calls, and arguments and
answers are plain data. So the same test can grade across a pipe.
"""

from chapters.harness.answers import Rng
from chapters.harness.registry import Exercise, alternative, graded, mutant

__all__ = ["Exercise", "Rng", "alternative", "graded", "mutant"]
