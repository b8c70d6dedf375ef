"""A campaign against a running gateway: hostile bytes, bodies, tokens and bundles, by a seed.

    python -m support.gateway_fuzz --seconds 60 [--seed N] [--replay FILE]

It makes no verdict about speed, and attacks nothing but the gateway that it starts on loopback.
"""
