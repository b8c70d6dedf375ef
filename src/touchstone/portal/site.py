"""The pages' routes, what each needs of whoever asks, and by what a browser is known."""

from http.cookies import CookieError, SimpleCookie

from touchstone.portal.deeds.forms import ABOUT
from touchstone.server.accounts.sessions import BY_BROWSER
from touchstone.server.api.declared import ACTING, ANY, DECLARED, EVERYBODY, MANAGERS, READING, Need
from touchstone.server.site import Environ, Site, authorization

COOKIE = "touchstone"
OVER_TLS = "__Host-touchstone"
"""The cookie's name over TLS: a browser takes it of no other host and no parent domain."""
API = "/v1/"
_OWN = Need(ANY, EVERYBODY)
_CHANGING_PEOPLE = Need("people", MANAGERS, fresh=True)
NEEDS: dict[tuple[str, str], Need] = {
    ("GET", ""): Need(query=("all",)),
    ("GET", "static/<digest>/<name>"): Need(),
    ("GET", "join"): Need(),
    ("POST", "join/begin"): Need(entering=True),
    ("POST", "join/finish"): Need(entering=True),
    ("GET", "sign-in"): Need(query=("next",)),
    ("POST", "sign-in/begin"): Need(entering=True),
    ("POST", "sign-in/finish"): Need(entering=True),
    ("POST", "sign-in/recover"): Need(entering=True),
    ("POST", "language"): Need(entering=True),
    ("POST", "sign-out"): _OWN,
    ("GET", "cases"): Need("read", READING, query=("after",)),
    ("GET", "cases/<case>"): Need("read", READING),
    ("GET", "cases/<case>/history"): Need("read", READING, query=("by", "words", "from")),
    ("GET", "cases/<case>/edition"): Need("read", READING),
    ("GET", "cases/<case>/transcripts"): Need(
        "read", READING, query=("mode", "result", "flagged", "from")
    ),
    ("GET", "cases/<case>/transcripts/<transcript>"): Need("read", READING, query=("from",)),
    ("GET", "cases/<case>/deeds"): Need("deeds", ACTING),
    ("GET", "cases/<case>/deeds/<kind>"): Need("deeds", ACTING, query=ABOUT),
    ("POST", "cases/<case>/deeds/<kind>"): Need("deeds", ACTING),
    ("POST", "cases/<case>/signed"): Need("deeds", ACTING),
    ("GET", "people"): Need("people", MANAGERS, query=("after",)),
    ("POST", "people"): _CHANGING_PEOPLE,
    ("GET", "people/<person>"): Need("people", MANAGERS),
    ("POST", "people/<person>/roles"): _CHANGING_PEOPLE,
    ("POST", "people/<person>/code"): _CHANGING_PEOPLE,
    ("POST", "people/<person>/browsers/end"): _CHANGING_PEOPLE,
    ("POST", "people/<person>/devices/<key>/end"): _CHANGING_PEOPLE,
    ("POST", "people/<person>/remove"): _CHANGING_PEOPLE,
    ("GET", "account"): _OWN,
    ("GET", "account/browser-key"): Need("deeds", ACTING),
    ("POST", "account/passkeys/begin"): _OWN,
    ("POST", "account/passkeys/finish"): _OWN,
    ("POST", "account/passkeys/<name>/end"): Need(ANY, EVERYBODY, fresh=True),
    ("POST", "account/sessions/<name>/end"): _OWN,
    ("POST", "account/recovery-codes"): Need(ANY, EVERYBODY, fresh=True),
}
"""By method and route, as the API's `DECLARED`."""


def credential(environ: Environ) -> str | None:
    """What a request is known by: on pages its cookie alone, at the API its header alone.

    A cookie is sent by a browser whoever made it ask. So the API, which does not look at where a
    request comes from, takes none.
    """
    if environ["PATH_INFO"].startswith(API):
        return authorization(environ)
    name = OVER_TLS if environ["wsgi.url_scheme"] == "https" else COOKIE
    try:
        found = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(name)
    except CookieError:
        return None
    return f"{BY_BROWSER}{found.value}" if found else None


PORTAL = Site("touchstone.portal.urls", DECLARED | NEEDS, credential, "touchstone.portal.worker")
