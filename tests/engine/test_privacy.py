"""No library that the engine uses reports from a musician's machine."""

import os
import subprocess
import sys

import pytest

# Each as the engine uses it, once the package is imported: ONNX Runtime writes its id for the machine when it is imported.
ONNX_RUNTIME = "import onnxruntime; onnxruntime.SessionOptions()"
RAY = "import os; assert os.environ['RAY_USAGE_STATS_ENABLED'] == '0'"  # which a cluster's processes inherit
TOLD = ("ORT_", "RAY_", "CI")  # what the tests' own machine may have set


@pytest.mark.parametrize("used", [ONNX_RUNTIME, RAY], ids=["ONNX Runtime", "Ray"])
def test_nothing_is_kept_to_report(tmp_path, used):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(TOLD)}
    subprocess.run([sys.executable, "-c", f"import engine; {used}"], env={**environment, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []
