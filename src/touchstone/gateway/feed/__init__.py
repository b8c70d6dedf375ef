"""How bundles reach a gateway: fetched, checked, kept, and in force for as long as was agreed.

`bundle_acceptance`, `grace`, `effective_policy` and `worker_state` are pure: data and times are
handed in. `store` and `sources` touch the world.
"""

from touchstone.gateway.feed.bundle_acceptance import BundleAcceptance, RejectedBundle
from touchstone.gateway.feed.effective_policy import EffectivePolicy, catch_up
from touchstone.gateway.feed.grace import Contact, Grace
from touchstone.gateway.feed.sources import FolderSource, Source, UrlSource, bundle_name
from touchstone.gateway.feed.store import KeptBundle, Store, write_durably
from touchstone.gateway.feed.worker_state import WorkerState, WorkerUpdate

__all__ = [
    "BundleAcceptance",
    "Contact",
    "EffectivePolicy",
    "FolderSource",
    "Grace",
    "KeptBundle",
    "RejectedBundle",
    "Source",
    "Store",
    "UrlSource",
    "WorkerState",
    "WorkerUpdate",
    "bundle_name",
    "catch_up",
    "write_durably",
]
