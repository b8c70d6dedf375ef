"""Scripted workers at the desk: two that keep its rules, and some that do not."""
