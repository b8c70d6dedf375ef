"""`touchstone party`: a party's keys on its own machine, and who signs for it in its cases."""

from typing import Annotated

from cyclopts import App, Parameter

from touchstone.cli.output import Json, tell_facts

DONE = 0
party = App(name="party", help="Make a party's keys, join cases, and say who signs for it.")


@party.command
def init(
    name: str,
    *,
    passphrase: Annotated[bool, Parameter(negative="")] = False,
    signer: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Make a party's key on this machine, and the one that is to follow it; no key leaves it.

    Keep the one that follows elsewhere: whoever has both can take the party's place. Tell the
    others the first fingerprint by a way of which they know that it is yours.

    For example: touchstone party init example-lab

    Args:
        name: The party's id, as the framework or the centre's invitation has it.
        passphrase: Encrypt the keys; the passphrase is asked for, here and at each deed.
        signer: Make the key of a further signer alone, for the party to admit: its own key stays
            on another machine.
    """
    from touchstone.cli.passphrases import new_passphrase
    from touchstone.client.party_home import PartyHome
    from touchstone.service.homes import check_home, home_folder

    folder = check_home(home_folder())
    PartyHome.require_new(folder, name)
    secret = new_passphrase() if passphrase else None
    home = PartyHome.create(folder, name, secret, signer=signer)
    own = home.signer()
    facts = {"party": name, "key": own.public_key.hex(), "fingerprint": own.fingerprint}
    said = f"{name} signs with {own.fingerprint} (public key {facts['key']})."
    if not signer:
        facts["next"] = home.following().fingerprint
        said += f"\nThe key that is to follow it: {facts['next']}"
    tell_facts(said, facts, json=json)
    return DONE
