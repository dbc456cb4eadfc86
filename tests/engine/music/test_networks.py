"""Small networks, and the files they come from."""

import numpy as np
import pytest

from engine.music import networks


def test_layers_are_rectified_but_for_the_last():
    network = {"0.weight": np.eye(2, dtype=np.float32), "0.bias": np.array([0, -1], np.float32),
               "1.weight": -np.ones((2, 1), np.float32), "1.bias": np.zeros(1, np.float32)}  # fmt: skip
    assert networks.layers(network, np.array([[2, 0.5], [-3, 4]], np.float32)).tolist() == [[-2], [-3]]
    assert networks.layers(network, np.array([[2, 3]], np.float32), 1).tolist() == [[-5]]


@pytest.mark.parametrize("name", ["drums", "bass"])
def test_the_files_that_are_shipped_are_small_and_whole(name):
    assert (networks.FOLDER / f"{name}.safetensors").stat().st_size <= 100_000
    network = networks.load(name)
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in network.values())
    assert network["mean"].shape == network["scale"].shape == network["0.weight"].shape[:1] and (network["scale"] > 0).all()


def test_a_likelihood_is_between_none_and_all():
    assert networks.sigmoid(np.array([-1e9, 0, 1e9], np.float32)).tolist() == pytest.approx([0, 0.5, 1])
