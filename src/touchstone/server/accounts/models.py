"""What is kept of people, devices and tokens: in a database of its own, never in the record.

Of every secret only its SHA-256 stands here: of codes, of tokens. Times are text in UTC as the
record writes them, so that they compare as they read; an empty one has not come.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

if TYPE_CHECKING:
    # Django's fields take type parameters for the checker only.
    Text = models.Field[str, str]
    Number = models.Field[int, int]
    Bytes = models.Field[bytes, bytes]
    Flag = models.Field[bool, bool]
    Texts = models.Field[list[str], list[str]]
    Facts = models.Field[dict[str, Any], dict[str, Any]]
    OfAccount = models.Field["Account", "Account"]
    OfDevice = models.Field["DeviceKey", "DeviceKey"]
else:
    Flag = Text = Number = Bytes = Texts = Facts = OfAccount = OfDevice = models.Field

ACCOUNTS = "default"
"""The alias of the accounts' database, as Django knows it."""
TIME_LENGTH = 20
MINUTE_LENGTH = 16
DIGEST_LENGTH = 64


def _time() -> Any:
    return models.CharField(max_length=TIME_LENGTH, default="")


def _digest() -> Any:
    return models.CharField(max_length=DIGEST_LENGTH, unique=True)


class Account(AbstractBaseUser):
    """A person of an institution, or of none: an administrator.

    Django's own user, so that the portal's sign-in (passwords, passkeys, OIDC) can stand on it;
    until then nobody has a password.
    """

    person: Text = models.CharField(max_length=64, unique=True)
    """Its public id: at random, and told to nobody who may not see the person."""
    institution: Text = models.CharField(max_length=64, default="", db_index=True)
    """A party's id; empty for an administrator."""
    name: Text = models.CharField(max_length=200)
    roles: Texts = models.JSONField(default=list)
    """Sorted."""
    email: Text = models.CharField(max_length=254, default="")
    is_active: Flag = models.BooleanField(default=True)
    made_at: Text = _time()
    removed_at: Text = _time()

    USERNAME_FIELD = "person"
    EMAIL_FIELD = "email"
    objects: ClassVar[BaseUserManager[Self]] = BaseUserManager()

    def __str__(self) -> str:
        # Never a name: a row may hold what its reader may not see.
        return f"Account {self.person}"


class AccountsRow(models.Model):
    """What the other tables share."""

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        """No table of its own."""

        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"


class AccountInvitation(AccountsRow):
    """A code that lets a person's device in, once."""

    digest: Text = _digest()
    """SHA-256 of the public key that the code makes, hex: whoever reads it has no code."""
    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="invitations")
    account_id: int
    made_by: Text = models.CharField(max_length=64)
    """A person's id, or `machine`: by a command where the server stands."""
    made_at: Text = _time()
    expires_at: Text = _time()
    used_at: Text = _time()
    revoked_at: Text = _time()


class DeviceKey(AccountsRow):
    """A key (Ed25519) that was made on a person's machine and asks for tokens."""

    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="devices")
    account_id: int
    key: Text = _digest()
    """The public key, 32 bytes in hex: of one person alone."""
    label: Text = models.CharField(max_length=100)
    invitation: Text = models.CharField(max_length=DIGEST_LENGTH)
    """The digest of the invitation that let it in."""
    added_at: Text = _time()
    revoked_at: Text = _time()


class AccessToken(AccountsRow):
    """A token of one person, asked for by one of its devices, for some scopes, for a while."""

    digest: Text = _digest()
    """SHA-256 of the token, hex: all that is kept of it."""
    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    account_id: int
    device: OfDevice = models.ForeignKey(DeviceKey, models.CASCADE, related_name="tokens")
    device_id: int
    scopes: Texts = models.JSONField(default=list)
    made_at: Text = _time()
    expires_at: Text = models.CharField(max_length=TIME_LENGTH, db_index=True)
    revoked_at: Text = _time()
    used_at: Text = models.CharField(max_length=MINUTE_LENGTH, default="")
    """The minute in which it was last used."""


class Passkey(AccountsRow):
    """A person's passkey (WebAuthn): by it a browser is signed in."""

    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="passkeys")
    account_id: int
    digest: Text = _digest()
    """SHA-256 of its credential id, hex: what a browser shows to be found by."""
    credential: Bytes = models.BinaryField()
    """What the authenticator attested, its public key (COSE) among it."""
    label: Text = models.CharField(max_length=100)
    added_at: Text = _time()
    revoked_at: Text = _time()


class RecoveryCode(AccountsRow):
    """A code by which a person who lost every passkey comes in once, to add another."""

    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="recovery_codes")
    account_id: int
    digest: Text = _digest()
    """SHA-256 of the code, which has 150 bits, hex."""
    made_at: Text = _time()
    used_at: Text = _time()


class BrowserSession(AccountsRow):
    """A browser that is signed in, until it signs out, is ended, or was still for too long."""

    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="sessions")
    account_id: int
    digest: Text = _digest()
    """SHA-256 of what its cookie holds, hex."""
    way: Text = models.CharField(max_length=10)
    """By what it was signed in: `passkey` or `recovery`."""
    label: Text = models.CharField(max_length=100)
    """What the person calls it by: its passkey's label."""
    made_at: Text = _time()
    used_at: Text = models.CharField(max_length=MINUTE_LENGTH, default="")
    """The minute in which it was last used."""
    expires_at: Text = models.CharField(max_length=TIME_LENGTH, db_index=True)
    revoked_at: Text = _time()


class UsedNonce(AccountsRow):
    """A nonce of a device that was used: what it signed is not taken a second time."""

    digest: Text = _digest()
    until: Text = models.CharField(max_length=TIME_LENGTH, db_index=True)


class AccountAct(AccountsRow):
    """Who did what to whose account. Rows are only added."""

    at: Text = _time()
    by: Text = models.CharField(max_length=64)
    """A person's id, or `machine`."""
    act: Text = models.CharField(max_length=40)
    person: Text = models.CharField(max_length=64, db_index=True)
    institution: Text = models.CharField(max_length=64, db_index=True)
    facts: Facts = models.JSONField(default=dict)


class RateRow(AccountsRow):
    """Until when whoever asks has used up what it may ask, in milliseconds since 1970."""

    digest: Text = _digest()
    """SHA-256 of who asks and of what kind of request: no address stands here."""
    until: Number = models.BigIntegerField(db_index=True)


class NoticeChannel(AccountsRow):
    """Where a person wants to be told that deeds wait, beside its address for mail."""

    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="channels")
    account_id: int
    name: Text = models.CharField(max_length=32, unique=True)
    """Its id, which is no secret."""
    kind: Text = models.CharField(max_length=10)
    """`webhook` or `calendar`."""
    target: Text = models.CharField(max_length=500, db_index=True)
    """Of a webhook its address; of a calendar the SHA-256 of the token in its address."""
    made_at: Text = _time()
    ended_at: Text = _time()


class ToldDeeds(AccountsRow):
    """Which deeds wait for an institution, as its people were told last: digests alone."""

    institution: Text = models.CharField(max_length=64, unique=True)
    deeds: Texts = models.JSONField(default=list)
    number: Number = models.BigIntegerField(default=0)
    """How often its people were told something."""


class NoticeRow(AccountsRow):
    """A notice to one person by one way: of what it is about it holds two counts, and no more."""

    account: OfAccount = models.ForeignKey(Account, models.CASCADE, related_name="notices")
    account_id: int
    kind: Text = models.CharField(max_length=10)
    """`email` or `webhook`."""
    target: Text = models.CharField(max_length=500)
    number: Number = models.BigIntegerField()
    """Of those to its institution; the same way is told each of them once."""
    name: Text = models.CharField(max_length=32, unique=True)
    """Its id, the same in each attempt."""
    waiting: Number = models.IntegerField()
    """How many deeds wait for the institution."""
    possible: Number = models.IntegerField()
    """How many are open to it, and nothing waits."""
    made_at: Text = _time()
    state: Text = models.CharField(max_length=10, default="due", db_index=True)
    """`due`, `sending`, `sent`, `replaced` by a newer one, or `failed`."""
    attempts: Number = models.IntegerField(default=0)
    next_at: Text = _time()
    """When it is to be tried; while it is sending, when whoever does it has given up."""
    repeats: Flag = models.BooleanField(default=False)
    """Whether an attempt before may have arrived."""
    fault: Text = models.CharField(max_length=200, default="")
    """Why the last attempt did not arrive, for the operator alone."""
    sent_at: Text = _time()

    class Meta:
        """A notice is made once for each way."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=("account", "kind", "target", "number"), name="one_notice_each_way"
            )
        ]


class NoticeSender(AccountsRow):
    """Which process of a server sends notices now: one row, which is held for a while."""

    holder: Text = models.CharField(max_length=100, default="")
    until: Text = _time()
    """By the database's clock (UTC): then another may."""
    ended_at: Text = _time()
    """When its last round ended."""
    fault: Text = models.CharField(max_length=500, default="")
    """Why its last round could not be gone through; empty where it was."""


class KeptAnswer(AccountsRow):
    """The answer to a request that may be sent again under the same key."""

    digest: Text = _digest()
    """SHA-256 of the person and of its key."""
    asked: Text = models.CharField(max_length=DIGEST_LENGTH)
    """SHA-256 of the request."""
    wrapped: Bytes = models.BinaryField()
    sealed: Bytes = models.BinaryField()
    """The answer, under a key of its own: it may hold a code, of which else only a digest stands
    here."""
    until: Text = models.CharField(max_length=TIME_LENGTH, db_index=True)


class SensitiveRead(AccountsRow):
    """Somebody read entries that are not open to all. Rows are only added."""

    minute: Text = models.CharField(max_length=MINUTE_LENGTH, db_index=True)
    person: Text = models.CharField(max_length=64)
    party: Text = models.CharField(max_length=64)
    case: Text = models.CharField(max_length=64, db_index=True)
    route: Text = models.CharField(max_length=100)
    first: Number = models.BigIntegerField()
    last: Number = models.BigIntegerField()
