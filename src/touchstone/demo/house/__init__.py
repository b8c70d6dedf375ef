"""A house of invented people and cases, to look around in: what `serve --demo` shows."""
