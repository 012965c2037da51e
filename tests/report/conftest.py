"""A browser for the tests of a module that look at pages in one."""

import pytest

from tests.support.open_pages import chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started
