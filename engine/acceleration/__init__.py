"""Device, precision, threads and memory; the language model's step compiled ahead; how long things take."""

from engine.acceleration.pace import PaceMeter, Stopwatch
from engine.acceleration.runtime import Prepared, Runtime, choose_runtime, prepare, use_threads

__all__ = ["PaceMeter", "Prepared", "Runtime", "Stopwatch", "choose_runtime", "prepare", "use_threads"]
