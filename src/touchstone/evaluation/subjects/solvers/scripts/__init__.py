"""Programs that solvers send to the sandbox as text. Standard library only; they stand alone."""
