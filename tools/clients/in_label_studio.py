"""Export a set of labels as Label Studio does: python in_label_studio.py SET OUT, in the environment of its SDK.

Tasks with the boxes of the set go through the converter of Label Studio, which writes OUT/result.json.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from label_studio_sdk.converter import Converter

_CONFIG = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">'
    '<Label value="mars"/><Label value="aurora"/></RectangleLabels></View>'
)


def _task(number: int, image: dict[str, Any], boxes: list[dict[str, Any]], names: dict[int, str]) -> dict[str, Any]:
    width, height = image["width"], image["height"]
    results = []
    for item in boxes:
        x, y, wide, high = item["bbox"]
        value = {
            "x": x / width * 100,
            "y": y / height * 100,
            "width": wide / width * 100,
            "height": high / height * 100,
        }
        value |= {"rotation": 0, "rectanglelabels": [names[item["category_id"]]]}
        size = {"original_width": width, "original_height": height}
        link = {"from_name": "label", "to_name": "image", "type": "rectanglelabels"}
        results.append({"id": str(item["id"]), "value": value, **size, **link})
    data = {"image": f"/data/upload/1/{number:08x}-{image['file_name']}"}
    return {"id": number, "data": data, "annotations": [{"id": number, "result": results}]}


def main() -> None:
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    coco = json.loads((folder / "annotations/instances_train.json").read_text())
    names = {item["id"]: item["name"] for item in coco["categories"]}
    of = {
        image["id"]: [item for item in coco["annotations"] if item["image_id"] == image["id"]]
        for image in coco["images"]
    }
    tasks = [_task(number, image, of[image["id"]], names) for number, image in enumerate(coco["images"], 1)]
    out.mkdir(parents=True, exist_ok=True)
    (out / "tasks.json").write_text(json.dumps(tasks))
    converter = Converter(_CONFIG, project_dir=None, download_resources=False)
    converter.convert_to_coco(str(out / "tasks.json"), str(out), output_image_dir=str(out / "images"), is_dir=False)
    exported = json.loads((out / "result.json").read_text())
    counts = len(exported["images"]), len(exported["annotations"])
    print(f"Label Studio's SDK {version('label-studio-sdk')}")
    print(
        f"  {counts[0]} pictures, {counts[1]} boxes of {len(coco['annotations'])}; categories {exported['categories']}"
    )
    print(f"  named {exported['images'][0]['file_name']}" if exported["images"] else "")
    sys.exit(0 if counts == (len(coco["images"]), len(coco["annotations"])) else 1)


if __name__ == "__main__":
    main()
