"""Who may speak for a party: people, their devices, and tokens that expire.

Begin at `touchstone.server.accounts.people`: `invite(by, "example-lab", ["lead"], "Ada")`.
"""

from django.apps import apps

from touchstone.server.settings import set_up_server

# Its modules need Django's models; Django imports this package itself while it is set up.
if not apps.loading:
    set_up_server()
