"""A case is found by its beginning, or by its whole id where others begin with it."""

from pathlib import Path

import pytest

from support.party_server import FRAMEWORK, opens, party
from touchstone.service.cases.case_admin import find
from touchstone.service.errors import UnknownCaseError
from touchstone.service.installation import open_installation


def test_a_whole_id_names_its_case_also_where_others_begin_with_it(tmp_path: Path):
    with open_installation(tmp_path / "server", apart=True) as here:
        centre = party(here, tmp_path, "example-centre", "centre")
        for case in ("model-3", "model-30", "model-31"):
            opens(centre, FRAMEWORK, case)
        assert find(here, "model-3") == "model-3"
        assert find(here, "model-31") == "model-31"
        with pytest.raises(UnknownCaseError, match="3 cases"):
            find(here, "model")
