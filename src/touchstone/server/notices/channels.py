"""Where a person wants to be told: webhooks, and a calendar that is fetched by its address alone.

Mail goes to the address of the account, which whoever invited the person wrote there.
"""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from touchstone.clearance import sight_of
from touchstone.keys import RandomSource
from touchstone.records.database import translated
from touchstone.server.accounts.managing import changing, note_once_it_stands
from touchstone.server.accounts.models import ACCOUNTS, Account, NoticeChannel
from touchstone.server.accounts.roles import READ, scopes_of
from touchstone.server.accounts.secret_codes import new_token, token_digest
from touchstone.server.errors import ProblemError
from touchstone.server.principal import Principal

MOST_CHANNELS = 16
"""Webhooks and calendars of one person."""
MOST_ADDRESS = 500


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """A webhook or a calendar, as its person sees it."""

    name: str
    kind: str
    address: str
    """Of a webhook; that of a calendar is shown once, when it is made."""
    made: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def add_webhook(by: Principal, address: str, *, now: str, random: RandomSource) -> ShownChannel:
    """Have notices sent to an address, signed by the installation's key.

    Raises ProblemError: it is no address to which a notice could be sent, or there are too many.
    """
    return _shown(_made(by, "webhook", _checked(address), now, random))


def add_calendar(by: Principal, *, now: str, random: RandomSource) -> tuple[ShownChannel, str]:
    """A calendar, and the token in its address, which is shown here alone.

    Raises ProblemError: there are too many.
    """
    token = new_token(random)
    return _shown(_made(by, "calendar", token_digest(token), now, random)), token


def channels_of(by: Principal) -> list[ShownChannel]:
    """The person's own, oldest first."""
    with translated(ACCOUNTS):
        return [_shown(each) for each in _open(by.person).order_by("pk")]


def end_channel(by: Principal, name: str, *, now: str) -> None:
    """End one of the person's own at once. Raises ProblemError where there is none such."""
    with changing():
        # By form first: not every text can be asked of a database.
        known = name.isascii() and name.isalnum()
        if known and _open(by.person).filter(name=name).update(ended_at=now):
            note_once_it_stands("channel-ended", person=by.person, party=by.party, channel=name)
        else:
            raise ProblemError(404, "unknown-channel", "there is no such webhook or calendar")


def institution_of_calendar(token: str) -> str | None:
    """Whose calendar is fetched by a token; None: nobody's, or its person may read no more."""
    with translated(ACCOUNTS):
        open_ = NoticeChannel.objects.using(ACCOUNTS).select_related("account")
        row = open_.filter(kind="calendar", target=token_digest(token), ended_at="").first()
    if row is None or not may_be_told(row.account):
        return None
    return row.account.institution


def may_be_told(account: Account) -> bool:
    """Whether a person may know that deeds wait: who reads nothing of an institution may not."""
    reads = READ in scopes_of(account.roles) and sight_of(account.roles) != "nothing"
    return account.is_active and bool(account.institution) and reads


def webhooks_of(account: Account) -> list[str]:
    """The addresses to which a person's notices are sent."""
    found = _open(account.person).filter(kind="webhook").order_by("pk")
    return list(dict.fromkeys(found.values_list("target", flat=True)))


def still_named(account: Account, kind: str, target: str) -> bool:
    """Whether a notice may still go there: a webhook that was ended is told nothing more."""
    return kind != "webhook" or target in webhooks_of(account)


def _open(person: str) -> Any:
    return NoticeChannel.objects.using(ACCOUNTS).filter(account__person=person, ended_at="")


def _made(by: Principal, kind: str, target: str, now: str, random: RandomSource) -> NoticeChannel:
    with changing():
        account = Account.objects.using(ACCOUNTS).select_for_update().get(person=by.person)
        if _open(by.person).count() >= MOST_CHANNELS:
            why = f"a person has at most {MOST_CHANNELS} webhooks and calendars: end one first"
            raise ProblemError(409, "too-many-channels", why)
        name = f"c{random.draw(8).hex()}"
        # Not its address, which may hold a secret of its owner.
        note_once_it_stands(
            "channel-made", person=by.person, party=by.party, channel=name, kind=kind
        )
        return NoticeChannel.objects.using(ACCOUNTS).create(
            account=account, name=name, kind=kind, target=target, made_at=now
        )


def _shown(row: NoticeChannel) -> ShownChannel:
    address = row.target if row.kind == "webhook" else ""
    return ShownChannel(row.name, row.kind, address, row.made_at)


def _checked(address: str) -> str:
    try:
        found = urlsplit(address)
        _ = found.port
    except ValueError:
        found = urlsplit("")
    plain = not (found.username or found.password or found.fragment)
    fits = len(address) <= MOST_ADDRESS and address.isascii() and address.isprintable()
    if found.scheme not in {"http", "https"} or not found.hostname or not plain or not fits:
        why = f"write https://, a host and a path, at most {MOST_ADDRESS} characters, no password"
        raise ProblemError(422, "webhook-address", why)
    return address


def known_by(*facts: str) -> str:
    """A digest (32 hex digits) by which a thing is known that is not to be told."""
    return sha256("\n".join(facts).encode()).hexdigest()[:32]
