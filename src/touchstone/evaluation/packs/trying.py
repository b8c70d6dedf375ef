"""What a pack is and does here, told before anything rests on it: for `touchstone pack`."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone.evaluation.assets.listing import AssetList
from touchstone.evaluation.packs.apart import ProcessLimits
from touchstone.evaluation.packs.manifest import PackLimits, PackManifest
from touchstone.evaluation.packs.mark import PackMark
from touchstone.evaluation.packs.registering import Made, RegisteredPack, make_task
from touchstone.evaluation.packs.relay import RoleEndpoint
from touchstone.evaluation.packs.running import PackRun, PackSettings, run_items
from touchstone.evaluation.packs.source import PackSource


@dataclass(frozen=True)
class CheckedPack:
    """A pack whose task was made once, and of which some items may have run."""

    source: PackSource
    made: Made
    ran: PackRun | None
    """None where nothing was asked of any model."""

    @property
    def good(self) -> bool:
        """Whether it can be registered, and whatever ran gave a result of the subject's."""
        lost = [each for each in self.ran.outcomes if each.cause] if self.ran else []
        return not self.made.faults and not lost

    def lines(self) -> list[str]:
        """For people."""
        made = self.made
        found = described(self.source.manifest, self.source.mark, made.limits, made.own_limits)
        if made.items is not None:
            found.append(f"items: {len(made.items.items)} ({made.items.digest})")
        found.append(f"its process was {made.grade}; it has no key, no network and no home")
        if (listed := self.source.assets) is not None:
            found.append(_wholeness(listed, made))
        if made.replaced and not made.faults:
            found.append(_sandboxed(made))
        found += [f"cannot be sealed: {fault}" for fault in made.faults]
        if self.ran is not None:
            found += _told(self.ran)
        return found

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        made, ran = self.made, self.ran
        return {
            "pack": self.source.mark.model_dump(mode="json"),
            "items": [each.digest for each in made.items.items] if made.items else None,
            "items_digest": made.items.digest if made.items else None,
            "scorers": list(made.scorers),
            "limits": made.limits.model_dump(mode="json"),
            "own_limits": made.own_limits.model_dump(mode="json"),
            "grade": made.grade,
            "faults": list(made.faults),
            "replaced": list(made.replaced),
            "ran": None
            if ran is None
            else {
                "outcomes": [each.model_dump(mode="json") for each in ran.outcomes],
                "grade": ran.grade,
                "attempts": list(ran.attempts),
                "refusals": list(ran.refusals),
                "calls": ran.calls,
                "tokens": ran.used,
            },
        }


def described(
    manifest: PackManifest, mark: PackMark, limits: PackLimits, own: PackLimits
) -> list[str]:
    """What a pack says of itself, in lines."""
    score = manifest.score
    key = f", its {score.key!a}" if score.key is not None else ""
    values = "C, P, I or N" if score.values == "letters" else "{:g} to {:g}".format(*score.range)
    counts = (
        "only reported, and decides nothing"
        if score.solved_from is None
        else f"solved from {score.solved_from:g}"
    )
    return [
        str(mark),
        f"scores are what its code says: the statement of {mark.owner}",
        f"score: {score.scorer}{key}, {values}; {counts}",
        f"models beside the subject: {', '.join(manifest.roles) or 'none'}",
        f"limits of a sample: {_limits(limits)}; the task's own: {_limits(own)}",
    ]


def _wholeness(listed: AssetList, made: Made) -> str:
    size = sum(each.bytes for each in listed.files)
    count = len(listed.files) + len(listed.git)
    told = f"assets: {count} {'file' if count == 1 else 'files'}, {size} bytes"
    if listed.image:
        names = ", ".join(each.name for each in listed.image)
        return f"{told}; the list is not whole here: no process here can run an image ({names})"
    if made.faults:
        return f"{told}; whether the list is whole is not known"
    return f"{told}; the list is whole: the task was made without a network, with these alone"


def _sandboxed(made: Made) -> str:
    items = made.items.items if made.items else ()
    return (
        f"{sum(each.sandbox for each in items)} of its items run in Touchstone's own sandbox in the"
        f" place of {', '.join(made.replaced)}"
    )


def _limits(limits: PackLimits) -> str:
    said = [
        f"{value} {name.replace('_', ' ')}"
        for name, value in limits.model_dump().items()
        if value is not None
    ]
    return ", ".join(said) or "none"


def _times(count: int) -> str:
    return f"{count} call" if count == 1 else f"{count} calls"


def _told(ran: PackRun) -> list[str]:
    found = [
        f"item {each.place}: {each.result}"
        + (f" ({float(each.value):g})" if each.value is not None else "")
        + f", {_times(each.calls)}; {each.reason}"
        for each in ran.outcomes
    ]
    found += [f"refused to the pack: {each}" for each in ran.refusals]
    found += [f"tried by the pack, in vain: {each}" for each in ran.attempts]
    found.append(f"{_times(ran.calls)} and {ran.used} tokens in all, by our count")
    return found


def lines_of(pack: RegisteredPack) -> list[str]:
    """What is registered, for people."""
    found = described(pack.source().manifest, pack.pack, pack.limits, pack.own_limits)
    return [
        *found,
        f"items: {len(pack.items)}",
        *(f"  {number} {digest}" for number, digest in enumerate(pack.item_digests)),
        f"registered as {pack.digest}",
    ]


async def check_pack(
    source: PackSource,
    asked: Mapping[str, RoleEndpoint],
    count: int,
    limits: ProcessLimits,
    assets: Path | None = None,
) -> CheckedPack:
    """Make a pack's task apart, and let its first items run where endpoints are given.

    Args:
        source: The pack.
        asked: The endpoint of the subject and of each role; empty: nothing is asked.
        count: How many items run.
        limits: How much its process may use.
        assets: Where assets are kept; None: a pack that names some is refused.

    Raises:
        PackError: the task cannot be made, a role has no endpoint, or packs cannot run here.
    """
    made = await make_task(source, limits, assets)
    if made.items is None or not asked:
        return CheckedPack(source, made, None)
    items = dict(enumerate(made.items.items[:count]))
    # Inspect's log holds the items in the clear: it goes when all was told.
    with tempfile.TemporaryDirectory(prefix="touchstone-pack-") as folder:
        settings = PackSettings(process=limits, assets=assets)
        said = source.manifest.limits
        ran = await run_items(source, items, asked, said, Path(folder), settings)
    return CheckedPack(source, made, ran)
