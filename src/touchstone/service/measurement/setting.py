"""What one measuring of one case needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from touchstone.evaluation.limits import EndpointLimits
from touchstone.evaluation.ports import EvidenceStore, JobStore
from touchstone.service.case_context import Case
from touchstone.service.measurement.sealing import Prepared


@dataclass(frozen=True)
class Setting:
    """What one measuring of one case needs."""

    case: Case
    prepared: Prepared
    keys: Mapping[str, str]
    """Environment variables with the endpoints' keys."""
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

    def folder(self, chunk: str) -> Path:
        """A chunk's own folder, on the machine of its worker."""
        return self.case.installation.records.work(self.case.id) / chunk
