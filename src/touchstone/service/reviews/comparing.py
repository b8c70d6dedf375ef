"""What was released held against what was reviewed: by what its endpoints call themselves."""

from collections.abc import Mapping

from touchstone.deeds.access import Compared
from touchstone.deeds.measurement import METHOD, identity_of
from touchstone.evaluation import Submission
from touchstone.evaluation.oversight import Probe
from touchstone.evaluation.oversight.snapshots import probe
from touchstone.review import State
from touchstone.service.measurement.probing import ASKING
from touchstone.service.reviews.requirements import HandedIn, keys_of_modes
from touchstone.verdicts.errors import CannotRunError


def ask_released(
    submission: Submission, variant: str, at: str, handed_in: HandedIn = lambda _: None
) -> dict[str, Probe]:
    """What answers in each mode of a variant at a moment (UTC), failed probes included.

    `handed_in` tells the keys that the case's developer handed in, which go before the environment.

    Raises:
        CannotRunError: no mode of that variant is named, or a key is not there or was revoked.
    """
    modes = tuple(mode for mode in submission.modes if mode.variant == variant)
    if not modes:
        named = ", ".join(dict.fromkeys(mode.variant for mode in submission.modes)) or "none"
        raise CannotRunError(
            f"variant {variant}: the submission names no mode of it, but of {named}"
        )
    keys = keys_of_modes(submission.model_copy(update={"modes": modes}), handed_in)
    return {
        mode.id: probe(mode, keys[mode.api_key_env], when="after", at=at, asking=ASKING)
        for mode in modes
    }


def for_own_endpoints(asked: Submission, own: Submission | None, handed_in: HandedIn) -> HandedIn:
    """`handed_in` for what answers where the developer's own submission says, and for no other.

    A key of a lab's is sent to no address that somebody else wrote beside its name.

    Args:
        asked: Whose modes are to be asked.
        own: What the developer handed in; None where it cannot be read: then no key is told.
        handed_in: Tells the keys of the case.
    """
    known = {(mode.api_key_env, mode.base_url) for mode in own.modes} if own else set()
    other = {m.api_key_env for m in asked.modes if (m.api_key_env, m.base_url) not in known}
    return lambda name: None if name in other else handed_in(name)


def compare_released(
    state: State, variant: str, probes: Mapping[str, Probe]
) -> tuple[Compared, str]:
    """Whether what answers now calls itself what was reviewed, and the digest of that.

    Undetermined where no snapshot was taken, a mode did not answer, or nothing told a name: then
    being alike says nothing.
    """
    digest, known = identity_of(probes), state.snapshots.get(variant)
    before = known.digests.get(METHOD) if known else None
    named = all(any(taken.models) and not taken.failed for taken in probes.values())
    if before is None or not probes or not named:
        return "undetermined", digest
    return ("same" if before == digest else "changed"), digest
