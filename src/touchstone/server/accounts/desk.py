"""Who may come in, said by whoever runs commands where the server stands.

It has the methods of `client.people.ServerDesk`, by which the same is said from elsewhere.
"""

from collections.abc import Iterator, Sequence

from touchstone.server.accounts import people
from touchstone.server.accounts.managing import Manager
from touchstone.service.installation import Installation


class MachineDesk:
    """The accounts of an installation; its methods raise as the functions of `people` do."""

    def __init__(self, here: Installation) -> None:
        self._here = here
        self._by = Manager.machine()

    def first_administrator(self, name: str) -> people.InvitedPerson:
        """Invite the first administrator."""
        return people.first_administrator(name, now=self._here.now(), random=self._here.random)

    def invite(
        self, institution: str, roles: Sequence[str], name: str, email: str
    ) -> people.InvitedPerson:
        """Invite a person."""
        now, random = self._here.now(), self._here.random
        return people.invite(self._by, institution, roles, name, email, now=now, random=random)

    def invite_again(self, person: str) -> people.InvitedPerson:
        """A code for a further device of a person."""
        now, random = self._here.now(), self._here.random
        return people.invite_again(self._by, person, now=now, random=random)

    def shown(self, person: str) -> people.ShownPerson:
        """One person."""
        return people.shown_person(self._by, person)

    def everybody(self) -> Iterator[people.ShownPerson]:
        """All people, page by page."""
        page = people.list_people(self._by)
        yield from page.people
        while page.after:
            page = people.list_people(self._by, after=page.after)
            yield from page.people

    def change_roles(self, person: str, roles: Sequence[str]) -> people.ShownPerson:
        """Give a person other roles."""
        return people.change_roles(self._by, person, roles, now=self._here.now())

    def remove(self, person: str) -> None:
        """End a person's account."""
        people.remove_person(self._by, person, now=self._here.now())

    def end_device(self, person: str, key: str) -> None:
        """End one device of a person."""
        people.revoke_device(self._by, person, key, now=self._here.now())

    def acts(self) -> Iterator[people.ShownAct]:
        """Who did what, oldest first."""
        after = 0
        while page := people.list_acts(self._by, after=after):
            yield from page
            after = page[-1].n
