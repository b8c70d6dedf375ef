"""The API under /v1: what a request must be, who may make it, and whose work it hands on to."""
