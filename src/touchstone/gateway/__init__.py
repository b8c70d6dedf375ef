"""What stands before a model's endpoint: it obeys signed bundles and proves when it did.

It makes no terms, reads no record and cannot recall bytes that a client's host has.

Begin at `touchstone.gateway.commands`: `serve_gateway(path)`.
"""
