"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)  # the same examples every time
settings.load_profile("repeatable")
