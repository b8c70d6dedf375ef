"""Deeds in a browser: a form each, what is drafted of it, and by whose hand it is signed."""
