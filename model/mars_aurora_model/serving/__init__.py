"""Inference in a SageMaker batch transform job, and the same job in a local folder."""
