.PHONY: docs
build/docs-venv/.ready: pyproject.toml uv.lock | .venv/.ready
	UV_PROJECT_ENVIRONMENT=build/docs-venv .venv/bin/uv sync --quiet --locked --no-default-groups --group docs --extra plots
	touch $@

docs: build/docs-venv/.ready ## Build the documentation site in build/docs; warnings and broken internal links are errors
	build/docs-venv/bin/sphinx-build --quiet --fail-on-warning --keep-going --jobs auto docs build/docs
