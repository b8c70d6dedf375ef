"""What one measuring of one case needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.ports import EvidenceStore, JobStore
from touchstone.service.case_context import Case
from touchstone.service.errors import StoppedError
from touchstone.service.measurement.sealing import Prepared

KEY_CHANGED = "the key of an endpoint was revoked or replaced by the developer"


@dataclass(frozen=True)
class Setting:
    """What one measuring of one case needs."""

    case: Case
    prepared: Prepared
    keys: Mapping[str, str] = field(repr=False)
    """The endpoints' keys, by the environment variables that the submission names."""
    expected_models: Mapping[str, tuple[str, ...]]
    """Model names that the snapshot probe saw, by mode."""
    workers: int
    sandbox: Mapping[str, object]
    """The sandbox provider's settings."""
    asking: EndpointLimits = field(default_factory=EndpointLimits)

    @property
    def jobs(self) -> JobStore:
        """Who works on what."""
        return self.case.installation.records.jobs

    @property
    def evidence(self) -> EvidenceStore:
        """What workers told, until it is recorded."""
        return self.case.installation.records.outcomes

    def keys_hold(self) -> bool:
        """Whether none of these keys was revoked or replaced by the developer since they were read.

        What is in the environment alone holds.
        """
        records = self.case.installation.records
        found = {name: records.endpoint_keys.get(self.case.id, name) for name in self.keys}
        return all(each is None or each.value == self.keys[name] for name, each in found.items())

    def require_keys(self) -> None:
        """Raise StoppedError where a key was revoked or replaced: nothing is asked with it."""
        if not self.keys_hold():
            raise StoppedError(f"{KEY_CHANGED}; what ran is recorded", "endpoint-failing")

    def folder(self, chunk: str) -> Path:
        """A chunk's own folder, on the machine of its worker."""
        return self.case.installation.records.work(self.case.id) / chunk
