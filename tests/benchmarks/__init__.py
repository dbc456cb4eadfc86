"""Benchmarks: run by hand, never by the tests."""

import engine  # noqa: F401  before torch: it tells OpenMP's waiting threads to sleep
