"""Write the mapping ModelImages of the template: the image of AWS's scikit-learn container in each region.

    build/tools/sagemaker/bin/python tools/model_image.py            rewrite template.yaml
    build/tools/sagemaker/bin/python tools/model_image.py print      print region and image

Runs in an environment with ``sagemaker-core`` (``make tools``), which cannot be that of the project.
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

VERSION = "1.9-0"
END_OF_PATCHING = date(2027, 7, 16)  # of this version, by AWS's support policy for its framework containers
TEMPLATE = Path(__file__).parents[1] / "template.yaml"


def find_images() -> dict[str, str]:
    """Return the URI of the image by region, of the regions that have it."""
    from sagemaker.core import image_uris  # noqa: PLC0415 -- in an environment of its own

    versions = image_uris.config_for_framework("sklearn")["inference"]["versions"]
    options = {"version": VERSION, "image_scope": "inference", "instance_type": "ml.c5.xlarge"}
    regions = sorted(versions[VERSION]["registries"])
    return {region: image_uris.retrieve("sklearn", region, **options) for region in regions}


def main(arguments: list[str]) -> None:
    images = find_images()
    if arguments == ["print"]:
        print(*(f"{region} {uri}" for region, uri in images.items()), sep="\n")
        return
    lines = "".join(f"    {region}: {{Uri: {uri}}}\n" for region, uri in images.items())
    text = TEMPLATE.read_text()
    TEMPLATE.write_text(re.sub(r"(?<=\n  ModelImages:)([^\n]*\n)(    \S.*\n)*", rf"\g<1>{lines}", text))


if __name__ == "__main__":
    main(sys.argv[1:])
