.PHONY: tools size rehearse large lint-cloud container upgrade
build/tools/.ready: .ci/tools | .venv/.ready
	.ci/tools
	touch $@

tools: build/tools/.ready ## Install the tools that validate and rehearse the cloud part, in build/tools

size: tools ## Build for Lambda; fail if a function with its layer exceeds 90 % of Lambda's size limit
	SAM_CLI_TELEMETRY=0 build/tools/bin/sam build
	python tools/package.py check .aws-sam/build

lint-cloud: tools ## Validate the template, the state machine and their consistency with the code
	pytest tests/workflow

rehearse: tools ## Deploy the template on an emulator and run it on simulated files
	pytest tests/deployed --verbose --durations=5

large: tools ## Run 3,000 files on the emulator, also with faults of S3; hours on two cores
	MARS_AURORA_FILES=3000 pytest tests/deployed/test_scale.py tests/deployed/test_brownout.py --verbose --durations=5

upgrade: tools ## Update a stack of the earlier version on the emulator, and delete it with full buckets
	pytest tests/deployed/test_upgrade.py --verbose --durations=5

container: setup ## Start the server of SageMaker's container with the model archive, without a network
	python tools/container.py
