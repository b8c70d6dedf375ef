"""The calibration that an installation keeps, and that its reviews name."""

from pathlib import Path

from pydantic import ValidationError

from touchstone.keys.files import write_file
from touchstone.ledger import MalformedError, dumps, loads
from touchstone.service.errors import ConfigurationError
from touchstone.verdicts.calibration import Calibration

RECORDED = "calibration.json"
"""In TOUCHSTONE_HOME."""
MOST_BYTES = 1 << 20


def record_calibration(home: Path, calibration: Calibration) -> Path:
    """Keep a calibration as the one that reviews here name from now on; gives its file."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / RECORDED
    write_file(path, [dumps(calibration.model_dump(mode="json"))])
    return path


def recorded_calibration(home: Path) -> Calibration | None:
    """The calibration that is kept in a home; None where none is.

    Raises:
        ConfigurationError: its file is none.
    """
    path = home / RECORDED
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            return Calibration.model_validate(loads(file.read(MOST_BYTES + 1)))
    except (OSError, MalformedError, ValidationError) as error:
        raise ConfigurationError(
            f"{path}: is no calibration that this version reads; take it away, or make one anew: "
            "touchstone calibrate --record"
        ) from error
