"""The experiments of the paper, repeated with this pipeline: python -m bench.paper."""
