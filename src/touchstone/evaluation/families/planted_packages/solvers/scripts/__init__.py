"""Programs sent to the sandbox as text. Standard library only; they stand alone."""
