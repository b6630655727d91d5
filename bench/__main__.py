"""Print every figure that the README quotes: python -m bench. Some minutes; the names below run singly as well."""

import subprocess
import sys

BENCHES = ("reading", "pipeline", "counting", "detecting", "measuring")


def main() -> None:
    for name in BENCHES:
        print(f"\n== bench.{name}", flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)


main()
