"""The benchmarks of speed, one JSON line a figure: python -m tests.benchmarks [--model NAME]"""

from __future__ import annotations

import argparse

from tests.benchmarks import bench_flow, bench_language_model, bench_sketch

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="sketch", help="a model's name or directory")
    options = parser.parse_args()
    bench_sketch.main(["--model", options.model])
    bench_flow.main(["--model", options.model])
    bench_language_model.main()
