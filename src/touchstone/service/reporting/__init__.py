"""Editions given to audiences: made, recorded as issued, and laid as files."""
