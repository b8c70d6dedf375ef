"""What tests do to a record in one step, each in a transaction of its own."""

from touchstone.records import Destruction, Records


def put_evidence(records: Records, case: str, data: bytes, media_type: str, name: str) -> str:
    """Keep evidence outside of a deed; gives its digest."""
    with records.transaction(case) as writer:
        return writer.put_evidence(data, media_type, name)


def destroy_case(records: Records, case: str) -> Destruction:
    """Destroy a case's key, content and evidence; entries, facts and proofs stay."""
    with records.transaction(case) as writer:
        return writer.destroy()
