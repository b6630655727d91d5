.DEFAULT_GOAL := help
.PHONY: help setup run test check bench train-setup clean
PYTHON ?= python3
export UV_PROJECT_ENVIRONMENT := .venv
export PATH := $(CURDIR)/.venv/bin:$(PATH)
include cloud.mk docs.mk quality.mk
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-13s %s\n", $$1, $$2}'

.venv/.ready: pyproject.toml uv.lock
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet uv==0.13.9
	.venv/bin/uv sync --quiet --locked --compile-bytecode --inexact --all-groups --no-group bench --no-group docs --all-extras --no-extra launch
	touch $@

setup: .venv/.ready ## Create the environment in .venv from the lock file

run: setup ## Simulate a small batch and run the pipeline on it, in out/demo
	mars-aurora simulate out/demo/input --count 24 --seed 1
	mars-aurora run out/demo/input --out out/demo --run-id demo

test: check tools docs ## Run all checks and tests; build the documentation
	pytest -n 2 -m "not deployed" && pytest -m deployed --ignore tests/deployed/test_upgrade.py

check: setup ## Run the linter, the type checker and the architecture checks
	ruff check .
	ruff format --check .
	mypy
	lint-imports

bench: setup ## Print every figure quoted in the README
	python -m bench

train-setup: setup ## Create the environment that trains the model, in build/train-venv
	$(PYTHON) -m venv build/train-venv
	uv export --quiet --frozen --no-hashes --no-emit-project --all-groups --no-group bench --no-group docs --all-extras --no-extra launch -o build/locked.txt
	build/train-venv/bin/pip install --quiet -r build/locked.txt --editable . onnx==1.23.2 torch==2.13.0

clean: ## Remove everything generated, including the environment
	rm -rf .venv out build dist .mypy_cache .ruff_cache .pytest_cache
