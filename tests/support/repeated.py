"""A plugin: every test as often as `--times` says, in one process."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=int, default=1, help="run every test so often")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    times = metafunc.config.getoption("times")
    metafunc.fixturenames.append("nth_time")
    metafunc.parametrize("nth_time", range(times), ids=[f"{n + 1}" for n in range(times)])
