.PHONY: clients corpus fuzz mutants paper paper-setup release-check scores
build/tools/bin/cosmic-ray: | .venv/.ready
	UV_TOOL_DIR=$(CURDIR)/build/tools UV_TOOL_BIN_DIR=$(CURDIR)/build/tools/bin .venv/bin/uv tool install --quiet \
		--python .venv/bin/python --exclude-newer 2026-11-20 cosmic-ray==8.7.0

mutants: build/tools/bin/cosmic-ray setup ## Test the tests with 80 mutants of each folder; within an hour on two cores
	python tools/mutants.py

release-check: setup ## Build sdist and wheel; install and run them with each Python, without and with extras
	python tools/release.py

clients: run ## Open the products of the demo run in QGIS, STILTS, DS9, datumaro and Label Studio's SDK (2 GB)
	tools/clients/install
	python tools/clients/main.py out/demo/runs/demo

corpus: setup ## Read and run all broken and odd files of the corpus; the goal is 0 lost, 0 wrong, 0 slow
	python -m bench.faults

scores: setup ## Score detection on night images by artefact, as in docs/scores.md; about an hour, and it can be stopped
	python -m bench.scores

build/fuzz-venv/.ready: pyproject.toml uv.lock | .venv/.ready
	$(PYTHON) -m venv build/fuzz-venv
	.venv/bin/uv export --quiet --frozen --no-dev --no-hashes --no-emit-project -o build/fuzz-locked.txt
	build/fuzz-venv/bin/pip install --quiet -r build/fuzz-locked.txt --editable . atheris==3.0.0
	touch $@

fuzz: build/fuzz-venv/.ready ## Fuzz the readers for 20 CPU minutes; nothing but observations and rejections may come out
	for part in 1 2 3 4; do build/fuzz-venv/bin/python -m bench.fuzzing || exit 1; done # the fuzzer's memory grows

build/bench-venv/.ready: pyproject.toml uv.lock | .venv/.ready
	UV_PROJECT_ENVIRONMENT=build/bench-venv .venv/bin/uv sync --quiet --locked --compile-bytecode --no-default-groups --group bench --extra all
	touch $@

paper-setup: build/bench-venv/.ready ## Create the environment of the runners that the pipeline is compared with, in build/bench-venv

paper: build/tools/.ready build/bench-venv/.ready ## Repeat the experiments of the paper and write docs/paper.md; 40 minutes, and it can be stopped
	python -m bench.paper
