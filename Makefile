.DEFAULT_GOAL := help
.PHONY: help setup run test check bench train-setup clean
PYTHON ?= python3
export UV_PROJECT_ENVIRONMENT := .venv
export PATH := $(CURDIR)/.venv/bin:$(PATH)
include cloud.mk
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-11s %s\n", $$1, $$2}'

.venv/.ready: pyproject.toml uv.lock
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet uv==0.13.9
	.venv/bin/uv sync --quiet --locked --inexact --all-groups --all-extras --no-extra launch
	touch $@

setup: .venv/.ready ## Make the environment in .venv from the lock

run: setup ## Simulate a small batch, run the pipeline on it, say where to look
	mars-aurora simulate out/demo/input --count 24 --seed 1
	mars-aurora run out/demo/input --out out/demo --run-id demo

test: check tools ## Check and test everything
	pytest -n 2 -m "not deployed" && pytest -m deployed

check: setup ## Lint, types and architecture
	ruff check .
	ruff format --check .
	mypy
	lint-imports

bench: setup ## Print every figure the README quotes
	python -m bench

train-setup: setup ## Make the environment that trains the model, in build/train-venv
	$(PYTHON) -m venv build/train-venv
	build/train-venv/bin/pip install --quiet torch==2.13.0
	build/train-venv/bin/pip install --quiet --editable . matplotlib onnx pillow pytest

clean: ## Remove what was made, the environment included
	rm -rf .venv out build dist .mypy_cache .ruff_cache .pytest_cache
