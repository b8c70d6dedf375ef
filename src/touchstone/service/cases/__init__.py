"""Cases as their parties handle them: looked at, checked, destroyed."""
