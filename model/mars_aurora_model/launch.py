"""Run the training as a SageMaker job, with the same script and arguments.

Needs the extra ``launch`` in a separate environment (``pip install '.[launch]'``) and an AWS account:
``python -m mars_aurora_model.launch --role ARN --image URI --data s3://BUCKET/dataset --epochs 16``
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXCLUDED = [".git", ".venv", ".aws-sam", "build", "out", "docs", "tests", "__pycache__"]


def compose_command(arguments: list[str]) -> str:
    """Return the command of the job; the image provides torch, the other packages are installed."""
    train = shlex.join(["python", "-m", "mars_aurora_model.train", *arguments])
    return f"pip install --quiet . matplotlib==3.11.2 && {train}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", required=True, help="ARN of the role that the job assumes")
    parser.add_argument("--image", required=True, help="URI of a training image with torch")
    parser.add_argument("--data", required=True, help="S3 prefix with a copy of build/dataset")
    parser.add_argument("--instance", default="ml.g5.xlarge")
    arguments, training_arguments = parser.parse_known_args()

    from sagemaker.core.training.configs import Compute, InputData, SourceCode  # noqa: PLC0415 -- in the extra ``launch``
    from sagemaker.train import ModelTrainer  # noqa: PLC0415 -- in the extra ``launch``

    command = compose_command(training_arguments)
    trainer = ModelTrainer(
        base_job_name="mars-aurora",
        role=arguments.role,
        training_image=arguments.image,
        compute=Compute(instance_type=arguments.instance, instance_count=1),
        source_code=SourceCode(source_dir=str(ROOT), command=command, ignore_patterns=EXCLUDED),
    )
    trainer.train(input_data_config=[InputData(channel_name="training", data_source=arguments.data)])


if __name__ == "__main__":
    main()
