"""Simulated patients: the synthetic RRMM1 cohort, and what is learnt from data whose truth is known."""
