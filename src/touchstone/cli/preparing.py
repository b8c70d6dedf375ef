"""`touchstone doctor --prepare`: the tables of the record, and of a server's accounts."""

from touchstone.cli.output import warn


def prepare_all() -> None:
    """Make the tables or bring them up to date, and say so."""
    from touchstone.records.settings import from_environment

    # Before what opens the record: Django is set up once, and it would do so for itself alone.
    from touchstone.server.accounts.preparing import prepare_accounts
    from touchstone.service.doctor import prepare_record
    from touchstone.service.homes import home_folder

    warn(prepare_record())
    # After the record's, whose rights are for all tables. A file of accounts is made when somebody
    # is invited.
    if database := from_environment():
        prepare_accounts(home_folder(), database)
