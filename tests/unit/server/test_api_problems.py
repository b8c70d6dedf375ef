"""Whatever is wrong with a request, the answer is a problem, and repeats nothing of it."""
