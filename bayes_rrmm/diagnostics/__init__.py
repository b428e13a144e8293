"""Whether to believe it: convergence checks on labelled draws, and leave-one-out. Takes draws, never a Fit."""

from bayes_rrmm.diagnostics.checks import Check, Quantity, check_quantity, check_sampler, worst_first
from bayes_rrmm.diagnostics.leave_one_out import LeaveOneOut, leave_one_out

__all__ = ["Check", "LeaveOneOut", "Quantity", "check_quantity", "check_sampler", "leave_one_out", "worst_first"]
