"""Benchmarks: run by hand. `make lint` checks them against what they call, and a test runs that of a whole model at tiny size."""

import engine  # noqa: F401  before torch: it tells OpenMP's waiting threads to sleep
