"""Start the training as a SageMaker job: the same script, the same arguments, on a rented machine.

Needs the extra ``launch`` in an environment of its own (``pip install '.[launch]'``) and an account:
``python -m mars_aurora_model.launch --role ARN --image URI --data s3://BUCKET/dataset --epochs 16``
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = [".git", ".venv", ".aws-sam", "build", "out", "docs", "tests", "__pycache__"]


def compose_command(arguments: list[str]) -> str:
    """Say what the job runs: the image brings torch, the lock's own packages come from the sources."""
    train = shlex.join(["python", "-m", "mars_aurora_model.train", *arguments])
    return f"pip install --quiet . matplotlib && {train}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", required=True, help="ARN of the role that the job takes on")
    parser.add_argument("--image", required=True, help="URI of a training image that holds torch")
    parser.add_argument("--data", required=True, help="S3 prefix that build/dataset was copied to")
    parser.add_argument("--instance", default="ml.g5.xlarge")
    arguments, of_training = parser.parse_known_args()

    from sagemaker.core.training.configs import Compute, InputData, SourceCode  # noqa: PLC0415 -- an extra of its own
    from sagemaker.train import ModelTrainer  # noqa: PLC0415

    trainer = ModelTrainer(
        base_job_name="mars-aurora",
        role=arguments.role,
        training_image=arguments.image,
        compute=Compute(instance_type=arguments.instance, instance_count=1),
        source_code=SourceCode(source_dir=str(ROOT), command=compose_command(of_training), ignore_patterns=LEFT_OUT),
    )
    trainer.train(input_data_config=[InputData(channel_name="training", data_source=arguments.data)])


if __name__ == "__main__":
    main()
