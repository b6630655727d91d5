"""Start the server of SageMaker's scikit-learn container with the built model archive, without a network; use it.

    python tools/container.py            with the packages of the container that PyPI has, and `SHIM` for the others
    python tools/container.py SRC        with the folder ``src`` of AWS's repository sagemaker-scikit-learn-container

Needs Python 3.12 on x86-64 Linux. It takes minutes, so CI does not run it; the rehearsal runs the four functions alone.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import package

FOLDER = package.ROOT / "build" / "container"
VENV = FOLDER / "venv"
WITHOUT_DEPENDENCIES = ("sagemaker-containers==2.8.6.post2", "sagemaker-inference==1.5.5", "inotify_simple==1.2.1")
PINS = (  # as in the requirements of the image 1.9-0
    "boto3==1.43.46",
    "Flask==3.1.3",
    "gevent==26.5.0",
    "gunicorn==26.0.0",
    "numpy==2.5.1",
    "paramiko",
    "protobuf==3.20.2",
    "psutil==7.2.2",
    "retrying==1.3.3",
    "scipy==1.18.0",
    "setuptools<81",
    "six==1.17.0",
    "Werkzeug==3.1.8",
)
SHIM = """
import importlib
from sagemaker_containers.beta.framework import env, server, transformer, worker

app = None

def main(environ, start_response):
    global app
    if app is None:
        module = importlib.import_module(env.ServingEnv().module_name)
        functions = ("model_fn", "input_fn", "predict_fn", "output_fn")
        served = transformer.Transformer(**{name: getattr(module, name) for name in functions})
        served.initialize()
        app = worker.Worker(transform_fn=served.transform, module_name=module.__name__)
    return app(environ, start_response)

def serving_entrypoint():
    server.start(env.ServingEnv().framework_module)
"""
URL = "http://127.0.0.1:8123"
START_S = 120


def prepare(python: str) -> None:
    """Install the packages of the container, write the shim, and build and unpack the model archive."""
    run = [sys.executable, "-m", "uv"]
    subprocess.run([*run, "venv", "--quiet", "--allow-existing", "--python", python, VENV], check=True)
    install = [*run, "pip", "install", "--quiet", "--python", str(VENV / "bin" / "python")]
    subprocess.run([*install, "--no-deps", *WITHOUT_DEPENDENCIES], check=True)
    subprocess.run([*install, *PINS], check=True)
    (mapping,) = VENV.glob("lib/*/site-packages/sagemaker_containers/_mapping.py")  # as the image patches it
    mapping.write_text(mapping.read_text().replace("collections.Mapping", "collections.abc.Mapping"))
    shim = FOLDER / "shim" / "sagemaker_sklearn_container" / "serving.py"
    shim.parent.mkdir(parents=True, exist_ok=True)
    shim.write_text(SHIM)
    for name in ("ml/model", "ml/code", "ml/input/config"):
        (FOLDER / name).mkdir(parents=True, exist_ok=True)
    package.build_publish(FOLDER / "publish", package.SAGEMAKER)
    with tarfile.open(FOLDER / "publish" / package.MODEL_ARCHIVE) as packed:
        packed.extractall(FOLDER / "ml" / "model", filter="data")


def serve(source: str) -> int:
    """Start the server in this network namespace, send it pictures, and compare the answers with the detector's."""
    bring_up_loopback()
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{FOLDER / 'ml' / 'model' / 'code'}:{source}",
        "PYTHONWARNINGS": "ignore",
        "SAGEMAKER_BASE_DIR": str(FOLDER / "ml"),
        "SAGEMAKER_BIND_TO_PORT": URL.rpartition(":")[2],
        "SAGEMAKER_SERVING_MODULE": "wsgi:main",
        "SAGEMAKER_USE_NGINX": "false",
    }
    entry = "from sagemaker_sklearn_container.serving import serving_entrypoint; serving_entrypoint()"
    server = subprocess.Popen([VENV / "bin" / "python", "-c", entry], env=environment)
    try:
        wait_for_ping(server)
        differing = [name for name, body in make_bodies().items() if not is_answered(name, body)]
    finally:
        server.terminate()
        server.wait(30)
    print("failed: " + ", ".join(differing) if differing else "all answers are those of the local detector")
    return 1 if differing else 0


def bring_up_loopback() -> None:
    with socket.socket() as any_socket:
        up = struct.pack("16sh", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


def wait_for_ping(server: subprocess.Popen[bytes]) -> None:
    for _ in range(START_S):
        try:
            with urllib.request.urlopen(f"{URL}/ping", timeout=60):  # noqa: S310 -- plain http to localhost
                return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(1)
    raise SystemExit("the server did not start")


def make_bodies() -> dict[str, bytes]:
    from mars_aurora_model.dataset import simulate_picture  # noqa: PLC0415 -- the parent process does not need it
    from mars_aurora_model.simulator.world import World  # noqa: PLC0415 -- as above

    world = World(swaths_per_set=(1,))
    drawn = (simulate_picture(index, world, 41, "served") for index in range(4))
    pictures = {f"picture {index}": picture.png for index, picture in enumerate(drawn) if picture}
    return {**pictures, "junk": b"no picture", "empty": b"", "cut": pictures["picture 0"][:500]}


def is_answered(name: str, body: bytes) -> bool:
    from mars_aurora_model.serving import inference  # noqa: PLC0415 -- the parent process does not need it

    headers = {"Content-Type": "image/png", "Accept": "application/json"}
    request = urllib.request.Request(f"{URL}/invocations", body, headers)  # noqa: S310 -- plain http to localhost
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 -- as above
            answer = response.read()
    except urllib.error.HTTPError as error:
        print(f"{name}: status {error.code}")
        return False
    same = bool(answer == inference.predict_fn(body, inference.model_fn("")))
    print(f"{name}: {len(answer)} bytes, {'the same' if same else 'other'}")
    return same


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["serve"]:
        return serve(arguments[1])
    python = package.find_python(package.SAGEMAKER.python)
    if python is None or os.uname().machine != package.SAGEMAKER.machine:
        print(f"needs Python {package.SAGEMAKER.python} on {package.SAGEMAKER.machine}")
        return 1
    prepare(python)
    source = str(Path(arguments[0]).resolve()) if arguments else str(FOLDER / "shim")
    isolated = ["unshare", "--net", "--map-root-user", sys.executable, __file__, "serve", source]
    return subprocess.run(isolated, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
