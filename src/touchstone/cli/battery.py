"""`touchstone battery`: a battery file, looked at before a review measures with it."""

from pathlib import Path

from cyclopts import App

from touchstone.cli.output import Json, tell

DONE = 0
battery = App(
    name="battery",
    help="Check a battery file: which item sets a review measures with, from families and packs.",
)


@battery.command
def check(file: Path, *, framework: str, json: Json = False) -> int:
    """Hold a battery file against a framework, and against the families and packs that are here.

    Nothing is drawn, asked or written. Exit 2: it cannot be used, and why.

    Args:
        file: The battery.toml.
        framework: A shipped id or a .toml file.
    """
    from touchstone.evaluation.battery_file import load_battery
    from touchstone.service.measurement.chosen_battery import checked_battery

    tell(checked_battery(load_battery(file), framework), json=json)
    return DONE
