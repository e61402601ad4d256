"""The test bed of the system tier: base images, booted containers, a browser and raw clients."""
