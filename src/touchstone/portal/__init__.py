"""Pages of a server: one place where every party sees its next deed, and reads its cases.

They stand beside the API in the same process, ask `service` and `server.accounts` as it does, and
add no law of their own::

    Application(Serving(here, speaker), site=PORTAL)

- `site`: `PORTAL`: the routes, what each needs, and the cookie by which a browser is known
- `admission`: `page_view`: who may see a page, and how a refusal is told
- `rendering`: templates, sentences by language, and what a browser may do with a page
- `views`: entering and signing in, home, cases, one's own account

Begin at `touchstone.portal.site`: `credential(environ)`.
"""
