.PHONY: tools size rehearse lint-cloud
build/tools/.ready: .ci/tools | .venv/.ready
	.ci/tools
	touch $@

tools: build/tools/.ready ## Install what checks and rehearses the cloud part, in build/tools

size: tools ## Build for Lambda; fail if a function with its layer is over 90 % of Lambda's limit
	SAM_CLI_TELEMETRY=0 build/tools/bin/sam build
	python tools/package.py check .aws-sam/build

lint-cloud: tools ## Validate template, state machine and the wiring between them and the code
	pytest tests/workflow

rehearse: tools ## Deploy the template on an emulator, upload files, see the catalogue come out
	pytest tests/deployed --verbose --durations=5
