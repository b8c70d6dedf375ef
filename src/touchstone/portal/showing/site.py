"""The pages of an invented house, at which nobody proves who it is; on one's own machine alone."""

from touchstone.portal.site import NEEDS, credential
from touchstone.server.api.declared import ACTING, DECLARED, Need
from touchstone.server.site import Site

MARK = "INVENTED"
"""A file of this name in a home says that all in it is invented; without it no click lets in."""
SHOWN_NEEDS: dict[tuple[str, str], Need] = {
    ("POST", "demo/become/<person>"): Need(entering=True),
    ("POST", "demo/admit"): Need("deeds", ACTING),
}
"""What there is beside the portal's own routes, as its `NEEDS`."""
SHOWN = Site("touchstone.portal.showing.urls", DECLARED | NEEDS | SHOWN_NEEDS, credential)
"""Never given to a server of a record that is not invented: see `MARK`."""
