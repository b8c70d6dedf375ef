"""`touchstone witness`: run one, and have one's own checkpoints cosigned."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from touchstone.cli.opened import opened
from touchstone.cli.output import Json, tell, warn
from touchstone.cli.process import stay

DONE, NO = 0, 1
witness = App(
    name="witness",
    help="Run a witness of other installations' logs, or ask witnesses to cosign one's own.",
    suppress_keyboard_interrupt=False,
)


@witness.command
def serve(config: Path) -> int:
    """Cosign checkpoints that extend the last one seen of each log, until SIGTERM or Ctrl-C.

    Args:
        config: The witness.toml.
    """
    from touchstone.gateway.logs import log_to_stderr
    from touchstone.witness.commands import serve_witness

    log_to_stderr("witness")
    stay()
    serve_witness(config, warn)
    return DONE


@witness.command
def key(config: Path, *, json: Json = False) -> int:
    """Print the vkey of a witness, for policies and for those who ask it; it is made when missing.

    Args:
        config: The witness.toml.
    """
    from touchstone.witness.commands import show_witness_key

    tell(show_witness_key(config), json=json)
    return DONE


@witness.command
def status(config: Path, *, json: Json = False) -> int:
    """Show what a witness has cosigned of each log; exit 1 where it holds evidence of a fork.

    Args:
        config: The witness.toml.
    """
    from touchstone.witness.commands import witness_status

    found = witness_status(config)
    tell(found, json=json)
    return NO if found.forked else DONE


@witness.command
def ask(
    *,
    witness: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    json: Json = False,
) -> int:
    """Ask this installation's witnesses to cosign its newest checkpoint; exit 1: not all did.

    Run it on a timer: whoever was not reached is asked again the next time. After a designation, a
    release and a destruction witnesses are asked at once.

    Args:
        witness: Only this one of touchstone.toml, by its name there; may be given again.
    """
    from touchstone.errors import BadInputError
    from touchstone.service.configuration import CONFIGURATION
    from touchstone.service.witnessing import ask_configured

    with opened() as installation:
        asked = ask_configured(installation, witness)
        if not asked.answers:
            raise BadInputError(
                f"{installation.home / CONFIGURATION}: has no [[witnesses]]; fix: add one with its"
                " name, url and vkey (docs/how-to/witnesses.md)"
            )
    tell(asked, json=json)
    return DONE if asked.all_cosigned else NO
