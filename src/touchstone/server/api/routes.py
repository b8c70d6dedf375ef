"""The API, put together."""

from ninja import NinjaAPI

from touchstone import __version__
from touchstone.server.api import entering, installation, people
from touchstone.server.api.declared import admitted
from touchstone.server.api.parsing import StrictParser
from touchstone.server.api.problems import handle_all

api = NinjaAPI(
    title="Touchstone",
    version=__version__,
    description="What a party asks of an installation, and does in its cases.",
    docs_url=None,
    openapi_url=None,
    urls_namespace="v1",
    parser=StrictParser(),
    auth=admitted,
)
handle_all(api)
for each in (installation, entering, people):
    api.add_router("", each.router)
