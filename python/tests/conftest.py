"""What several tests need."""

import json

import pytest

import gpu_mlp


def software_adapter() -> str | None:
    """The name of a device that is not the CPU path, such as lavapipe."""
    found = [device for device in gpu_mlp.devices() if device["backend"] == "vulkan"]
    return "vulkan" if found else None


@pytest.fixture(params=["cpu", "vulkan"])
def device(request: pytest.FixtureRequest) -> str:
    if request.param != "cpu" and software_adapter() is None:
        pytest.skip("there is no Vulkan adapter")
    return str(request.param)


@pytest.fixture
def to_json():
    return lambda value: json.loads(json.dumps(value))
