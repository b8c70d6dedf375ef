"""ValueError <- VerifierInputError (the question); Exception <- AlteredError (the answer)."""


class VerifierInputError(ValueError):
    """The question cannot be answered as it was put: no such file, an ill-formed pin. One line."""


class AlteredError(Exception):
    """Something in the bundle does not hold. Its text goes on from "line 5, entry 1 ..."."""


def hold(condition: bool, otherwise: str) -> None:
    """One check: what must be so, and what is said where it is not."""
    if not condition:
        raise AlteredError(otherwise)
