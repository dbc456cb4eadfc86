"""`python -m engine.cluster --model sketch --replicas 2`: the engine behind Ray Serve, for daemons on other machines.

Joins the Ray cluster at `--ray ADDRESS` ("auto": the one of this machine, as `ray start --head` begins it), or starts one here.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from engine.api import EngineError
from engine.cluster.access import TOKEN

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    token = os.environ.get(TOKEN, "")
    if options.host not in _LOOPBACK and not token:
        print(f"settings: an address that others reach needs a token: set {TOKEN} here and at each daemon", file=sys.stderr)
        return 2
    try:
        return run(options, token)
    except EngineError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 2


def run(options: argparse.Namespace, token: str) -> int:
    try:
        import ray
        from ray import serve
    except ImportError:
        raise EngineError("serving needs Ray: pip install 'inspire-daw[cluster]'") from None
    from engine.cluster.server import deployment

    ray.init(address=options.ray, include_dashboard=False if options.ray is None else None, log_to_driver=False)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve.start(http_options={"host": options.host, "port": options.port})
        made = deployment(options.engine, options.model, options.replicas, options.cpus, options.gpus, token)
        serve.run(made, name="inspire", route_prefix="/")
        print(f"{options.replicas} engines with {options.model} at http://{options.host}:{options.port}", flush=True)
        stop.wait()
    finally:
        serve.shutdown()
        ray.shutdown()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.cluster", description="Serves the engine to daemons elsewhere.")
    parser.add_argument("--model", default="sketch", help="a model's name or directory, on every machine of the cluster")
    parser.add_argument("--replicas", type=int, default=1, help="engines, each with its own copy of the model (1)")
    parser.add_argument("--cpus", type=float, default=1.0, help="CPUs that each reserves (1)")
    parser.add_argument("--gpus", type=float, default=0.0, help="GPUs that each reserves: 1 for one each, 0.5 for two on one (0)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; one that others reach needs a token")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--ray", metavar="ADDRESS", help="an existing Ray cluster, or auto; a new one here if not given")
    parser.add_argument("--engine", default="engine.pipeline:create_engine", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
