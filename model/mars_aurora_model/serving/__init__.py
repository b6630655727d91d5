"""The inference server: the SageMaker container, and the same process on a laptop."""
