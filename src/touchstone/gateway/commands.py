"""What the commands of a gateway do: serve, look, ask, export."""

import logging
import re
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError

import aiohttp
import uvloop

from touchstone.gateway.audit import AuditSummary, ExportedLine, check_audit, read_audit
from touchstone.gateway.config import GatewayConfig, load_config
from touchstone.gateway.errors import (
    FeedLostError,
    GatewayConfigError,
    NotServingError,
    ReceiptError,
)
from touchstone.gateway.feed import (
    BundleAcceptance,
    FolderSource,
    RejectedBundle,
    Source,
    Store,
    UrlSource,
    catch_up,
)
from touchstone.gateway.identity import Identities
from touchstone.gateway.logs import log_to_stderr
from touchstone.gateway.receipts import verify_chain
from touchstone.gateway.statuses import MAX_BYTES, read_status
from touchstone.gateway.supervisor import Supervisor, gateway_key
from touchstone.gateway.worker import certificates, tls_context
from touchstone.keys import FileSigner
from touchstone.terms import PolicyBundle

_ASK_SECONDS = 5.0
_GLANCE_SECONDS = 0.05
_KEY = re.compile(r"[\x21-\x7e]{16,4096}")


def serve_gateway(path: Path) -> None:
    """Run a gateway until it is told to stop.

    Raises GatewayConfigError, KeyFileError, StateError before anything is served.
    """
    config = load_config(path)
    _check_files(config)
    log_to_stderr("supervisor")
    supervisor = Supervisor(config)
    host, port = supervisor.address
    log = logging.getLogger(__name__)
    log.info("%s serves at %s:%d", config.id, host, port)
    if supervisor.door is not None:
        log.info("it answers proxies at %s:%d", *supervisor.door)
    uvloop.run(supervisor.run())


def _check_files(config: GatewayConfig) -> None:
    """What a worker would only find out in its own process. Raises GatewayConfigError."""
    for upstream in config.upstreams:
        upstream.api_key()
    for tls in certificates(config):
        tls_context(tls)
    Identities(config.identity, time.time, 1)


@dataclass(frozen=True)
class Examined:
    """What a gateway would do, were it started now."""

    config: GatewayConfig
    bundle: PolicyBundle | None
    """The one that would be in force."""
    faults: tuple[str, ...]
    """What is wrong with the feed."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        bundle = self.bundle
        return {
            "gateway": self.config.id,
            "stream": self.config.pin.stream,
            "faults": list(self.faults),
            "bundle": bundle
            and {
                "number": bundle.number,
                "digest": bundle.digest,
                "terms": bundle.terms,
                "grace_hours": bundle.grace_hours,
                "directives": [asdict(each) for each in bundle.directives],
                "rules": {rule.id: rule.says for rule in bundle.policy.rules},
            },
            "models": [
                {
                    "model": each.model,
                    "protocol": each.protocol,
                    "variant": each.variant,
                    "modes": sorted({each.mode} if each.mode else {*each.modes.values()}),
                    "unknown": self._unknown(each.variant, each.mode, each.modes),
                }
                for each in self.config.upstreams
            ],
        }

    def lines(self) -> list[str]:
        """For people."""
        found = self.as_dict()
        lines = [f"{self.config.id}, for {self.config.pin.stream}"]
        lines += [f"wrong: {fault}" for fault in self.faults]
        if self.bundle is None:
            return [*lines, "nothing would be served: there is no valid bundle"]
        lines.append(
            f"bundle {self.bundle.number} ({self.bundle.digest}), with"
            f" {len(self.bundle.directives)} directives; grace {self.bundle.grace_hours} h"
        )
        lines += [f"  {rule}: {says}" for rule, says in found["bundle"]["rules"].items()]
        for each in found["models"]:
            unknown = "".join(f"; not defined in the terms: {word}" for word in each["unknown"])
            modes = ", ".join(each["modes"])
            lines.append(f"{each['model']} is variant {each['variant']}, mode {modes}{unknown}")
        return lines

    def _unknown(self, variant: str, mode: str | None, modes: Mapping[str, str]) -> list[str]:
        """What a model's entry names and the terms do not: it is always denied."""
        if self.bundle is None:
            return []
        policy = self.bundle.policy
        words = [] if variant in policy.variants else [f"variant {variant}"]
        named = {mode} if mode else {*modes.values()}
        return words + [f"mode {each}" for each in sorted(named - {*policy.modes})]


def check_gateway(path: Path) -> Examined:
    """Read a configuration, and take the newest bundle of its feed as a gateway would.

    Nothing is kept. Raises GatewayConfigError, StateError.
    """
    config = load_config(path)
    _check_files(config)
    kept = Store(config.state).load(config.bundle_pin) if config.state.is_dir() else None
    intake = BundleAcceptance(config.bundle_pin, lambda *_: None, kept.bundle if kept else None)
    return Examined(config, *uvloop.run(_look(config, intake)))


async def _look(
    config: GatewayConfig, intake: BundleAcceptance
) -> tuple[PolicyBundle | None, tuple[str, ...]]:
    faults: list[str] = []

    def refused(each: RejectedBundle) -> None:
        faults.append(each.text)

    async with aiohttp.ClientSession() as session:
        sources: list[Source] = []
        if config.feed.folder is not None:
            sources.append(FolderSource(config.feed.folder))
        if config.feed.url is not None:
            sources.append(UrlSource(session, config.feed.url, config.feed.timeout_seconds))
        for source in sources:
            try:
                await catch_up(source, intake, refused)
            except FeedLostError as error:
                faults.append(str(error))
    return intake.current, tuple(faults)


def ask_status(path: Path) -> dict[str, Any]:
    """What the running gateway's /status says.

    Raises NotServingError where none answers there, or something else does.
    """
    where = load_config(path).admin
    host = f"[{where.host}]" if ":" in where.host else where.host
    # It is on this machine: a proxy that the environment names would ask itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{host}:{where.port}/status", timeout=_ASK_SECONDS) as answer:
            return read_status(answer.read(MAX_BYTES + 1))
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise NotServingError(
            f"no gateway answers at {host}:{where.port}: is it running? ({error})"
        ) from error


def status_lines(found: Mapping[str, Any]) -> list[str]:
    """For people."""
    bundle = found["bundle"]
    lines = [f"{found['gateway']}, for {found['stream']}"]
    if bundle is None:
        lines.append("no bundle was ever taken")
    else:
        lines.append(f"bundle {bundle['number']} ({bundle['digest']})")
        lines.append(f"directives: {', '.join(bundle['directives']) or 'none'}")
    lines.append("serving" if found["serving"] else f"nothing is served: {found['why_not']}")
    if found["served_for_seconds"] is not None:
        lines.append(f"without further word for {found['served_for_seconds']} s more")
    up = sum(each["serves"] for each in found["workers"])
    lines.append(f"{up} of {len(found['workers'])} workers; killed so far: {found['kills']}")
    lines += [f"worker {each['worker']}: {each['why']}" for each in found["workers"] if each["why"]]
    lines += [
        f"worker {each['worker']} took {each['applied_ms']} ms: {each['waited_for']}"
        for each in found["workers"]
        if each["waited_for"]
    ]
    if found["unwritten"]:
        lines.append(f"the state cannot be written: {found['unwritten']}")
    lines += [f"feed {name} is lost: {why}" for name, why in found["feed"]["lost"].items()]
    lines += [f"refused, {why}: {count}" for why, count in found["feed"]["refused"].items()]
    fleet = found["fleet"]
    if fleet is not None:
        lines.append(f"lease: {'held' if fleet['leased'] else 'none'}")
        for each in fleet["members"]:
            alive = "" if each["alive"] else ", no lease: it serves nothing"
            lines.append(f"  {each['gateway']}: obeys bundle {each['obeys']}{alive}")
        where = "everywhere" if fleet["applied_everywhere"] else "not everywhere yet"
        lines.append(f"the newest bundle is in force {where}")
    return lines


def export_audit(path: Path) -> tuple[AuditSummary, Iterator[ExportedLine]]:
    """Check the whole audit against the receipts, and then read it by time.

    Raises AuditError or ReceiptError where anything was altered; GatewayConfigError or
    KeyMissingError where no gateway served from this folder.
    """
    config = load_config(path)
    if not config.state.is_dir():
        raise GatewayConfigError(f"{config.state}: there is no such folder: no gateway ran here")
    store, folder = Store(config.state), config.state / "audit"
    key = FileSigner.load(config.key_file).public_key
    end = time.monotonic() + _ASK_SECONDS
    while True:
        known = store.position_number()
        receipts = store.receipts()
        verify_chain(receipts, key)
        summary = check_audit(folder, receipts)
        newest = receipts[-1].receipt.number if receipts else 0
        known = max(known, summary.newest_bundle)
        if known <= newest:
            return summary, read_audit(folder)
        # A gateway that runs may be about to sign it.
        if time.monotonic() > end:
            raise ReceiptError(
                f"{config.state}: bundle {known} was taken, and the newest receipt is"
                f" {f'for bundle {newest}' if newest else 'none'}: it is missing, or the gateway"
                " ended before it signed it (start it, and it does)"
            )
        time.sleep(_GLANCE_SECONDS)


def public_key(path: Path) -> dict[str, str]:
    """The key that signs receipts. Raises KeyFileError."""
    signer = gateway_key(load_config(path))
    return {"public_key": signer.public_key.hex(), "fingerprint": signer.fingerprint}


def key_entry(line: str) -> str:
    """What the file of keys holds for an opaque key. Raises GatewayConfigError."""
    key = line.removesuffix("\n").removesuffix("\r")
    if not _KEY.fullmatch(key):
        raise GatewayConfigError("the key on stdin has not 16 to 4096 visible ASCII characters")
    if key.count(".") == 2:  # noqa: PLR2004 - a JWT has two dots
        raise GatewayConfigError("the key on stdin has two dots, as a JWT has: take another")
    return f'[[keys]]\nsha256 = "{sha256(key.encode()).hexdigest()}"\nperson = "PERSON"'
