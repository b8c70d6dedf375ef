"""`touchstone keys`: the installation's own signing keys."""

from typing import Annotated

from cyclopts import App, Parameter

from touchstone.cli.opened import opened
from touchstone.cli.output import Json, tell

DONE = 0
Shown = Annotated[
    bool, Parameter(name="--show", negative="", help="Make none: show the one that is here.")
]
keys = App(
    name="keys",
    help="Show, rotate or revoke the installation's own key, or make one to measure by.",
)


@keys.command(name="show")
def show_(*, json: Json = False) -> int:
    """Show every key that the installation had: what others pin, since when, and how it stands."""
    from touchstone.service.keyring import show_keys

    with opened() as installation:
        shown = show_keys(installation)
    tell(shown, json=json)
    return DONE


@keys.command
def rotate(*, reason: str, json: Json = False) -> int:
    """Make a new key, signed in by the one in use, which is deleted. Old pins hold on.

    Args:
        reason: One line for the key history, which is in every bundle.
    """
    from touchstone.service.keyring import rotate_key

    with opened() as installation:
        done = rotate_key(installation, reason)
    tell(done, json=json)
    return DONE


@keys.command
def revoke(fingerprint: str, *, reason: str, json: Json = False) -> int:
    """Say in every later bundle that a key is not to be trusted; a new key takes over.

    Args:
        fingerprint: The key, `SHA256:...`, as `keys show` gives it.
        reason: One line for the key history, which is in every bundle.
    """
    from touchstone.service.keyring import revoke_key

    with opened() as installation:
        done = revoke_key(installation, fingerprint, reason)
    tell(done, json=json)
    return DONE


@keys.command
def automation(party: str, *, show: Shown = False, json: Json = False) -> int:
    """Make the key that signs here for a centre whose own key is elsewhere: for measuring.

    It signs nothing before the centre admits it in a case: touchstone party signers admit.

    Args:
        party: The centre's id.
    """
    from touchstone.service.signers import automation_key, make_automation_key

    with opened() as installation:
        work = automation_key if show else make_automation_key
        made = work(installation, party)
    tell(made, json=json)
    return DONE
