"""Pages from templates, and what a browser may do with them: nothing but what is of this origin."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from importlib import resources
from typing import Any

from django.http import HttpRequest, HttpResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from touchstone.editions.sentences import Catalogue
from touchstone.handin import printable
from touchstone.handin.shown_ids import short_case
from touchstone.portal.deeds.forms import address_of
from touchstone.portal.words import LANGUAGES, language_of, words
from touchstone.server.accounts.managing import Manager
from touchstone.server.accounts.people import ShownPerson, list_people
from touchstone.server.api.declared import ACTING, MANAGERS, READING, Need
from touchstone.server.api.problems import PAGE
from touchstone.server.serving import known_in, serving_of

STATIC = {
    "portal.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(
        ("deeds.js", "keeping.js", "passkeys.js", "record.js", "sending.js"),
        "text/javascript; charset=utf-8",
    ),
}
"""What pages load beside themselves, all of it ours."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
DOCUMENT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; sandbox allow-popups"
)
"""Of an edition, which is one page with its style in it: no script runs, whatever stands there."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": (
        "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), "
        "microphone=(), geolocation=()"
    ),
    # Without any, a browser would say of its own forms that they come from nowhere.
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie",
}
INVENTED = "touchstone.portal.showing.urls"
"""The routes of a house in which all people and cases are invented."""
TO_ACT, TO_READ = Need("deeds", ACTING), Need("read", READING)
TO_MANAGE = Need("people", MANAGERS)
CODE = "code"
"""Under this name an answer says why it is none, for the log."""
_YEAR = "public, max-age=31536000, immutable"


def page_of(
    request: HttpRequest, template: str, *, status: int = 200, **named: Any
) -> HttpResponse:
    """A page in the reader's language, from a template of ours; all that is put in is escaped."""
    catalogue, who = words(language_of(request)), known_in(request)
    text = (
        _templates()
        .get_template(template)
        .render(
            say=partial(_said, catalogue),
            language=catalogue.language,
            languages=LANGUAGES,
            asset=static_address,
            signed_in=bool(who.person),
            party=who.party,
            person=who.person,
            acts=TO_ACT.lets(who),
            reads=TO_READ.lets(who),
            manages=TO_MANAGE.lets(who),
            served_by=serving_of(request).fingerprint,
            here=request.path,
            invented=_invented_people(request),
            **named,
        )
    )
    response = HttpResponse(text, status=status, headers=HEADERS)
    setattr(response, PAGE, True)
    return response


def _invented_people(request: HttpRequest) -> Sequence[ShownPerson]:
    """Whom anybody becomes by a click, where all are invented; nobody anywhere else."""
    if getattr(request, "urlconf", "") != INVENTED:
        return ()
    found = list_people(Manager.machine()).people
    return sorted(found, key=lambda each: (each.institution, each.name))


def error_page(request: HttpRequest, problem: HttpResponse) -> HttpResponse:
    """What is refused, told to a person: what it is, and what one can do."""
    status = problem.status_code
    response = page_of(request, "error.html", status=status, reason=_REASONS.get(status, "other"))
    # As the log names it.
    setattr(response, CODE, getattr(problem, CODE, ""))
    for name in ("Retry-After", "Allow"):
        if name in problem:
            response[name] = problem[name]
    return response


_REASONS: Mapping[int, str] = {
    403: "not-yours",
    404: "not-here",
    429: "too-often",
    500: "fault",
    503: "busy",
}


def edition_answer(html: bytes) -> HttpResponse:
    """An edition as it is, in a browser that runs nothing of it."""
    response = HttpResponse(html, content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = DOCUMENT
    return response


def static(digest: str, name: str) -> HttpResponse | None:
    """A file that pages load, by the digest of all of them; None: there is none such."""
    if name not in STATIC or digest != _digest():
        return None
    response = HttpResponse(_bytes(name), content_type=STATIC[name])
    response["Cache-Control"] = _YEAR
    return response


@cache
def _templates() -> Environment:
    found = Environment(
        loader=PackageLoader("touchstone.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["short"] = short_case
    found.filters["address_of"] = address_of
    found.filters["seen"] = printable
    return found


def _said(catalogue: Catalogue, key: str, **values: Any) -> Markup:
    return Markup(catalogue.write(key, values, page=True))  # noqa: S704  each piece is escaped


@cache
def _bytes(name: str) -> bytes:
    return resources.files("touchstone.portal").joinpath("static", name).read_bytes()


@cache
def _digest() -> str:
    # Of all together, so that one of them can name another beside it.
    whole = b"".join(sha256(_bytes(name)).digest() for name in sorted(STATIC))
    return sha256(whole).hexdigest()[:16]


def static_address(name: str) -> str:
    """Where a file that pages load is; another one as soon as any of them changes."""
    return f"/static/{_digest()}/{name}"
