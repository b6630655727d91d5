"""Inference server, in the SageMaker container or as a local process."""
