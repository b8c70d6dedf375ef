"""Scripted solvers of the payment-logic tasks; they know nothing of the generator or the judge."""
