"""How bundles reach a gateway: fetched, checked, kept, and in force for as long as was agreed.

`intake`, `grace`, `standing` and `served` are pure: data and times are handed in. `store` and
`sources` touch the world.
"""

from touchstone.gateway.feed.grace import Contact, Grace
from touchstone.gateway.feed.intake import Intake, RejectedBundle
from touchstone.gateway.feed.served import Served, Tell
from touchstone.gateway.feed.sources import FolderSource, Source, UrlSource, bundle_name
from touchstone.gateway.feed.standing import EffectivePolicy, catch_up
from touchstone.gateway.feed.store import Kept, Store, write_durably

__all__ = [
    "Contact",
    "EffectivePolicy",
    "FolderSource",
    "Grace",
    "Intake",
    "Kept",
    "RejectedBundle",
    "Served",
    "Source",
    "Store",
    "Tell",
    "UrlSource",
    "bundle_name",
    "catch_up",
    "write_durably",
]
