"""A framework, three parties, and a case that a test can carry forward."""

import pytest

from support.review_case import Case, example_framework
from touchstone.framework import Framework


@pytest.fixture(scope="session")
def framework() -> Framework:
    return example_framework()


@pytest.fixture
def case(framework: Framework) -> Case:
    return Case(framework)
