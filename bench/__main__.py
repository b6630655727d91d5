"""Print every figure quoted in the README: python -m bench. Takes some minutes; each module below also runs alone."""

import subprocess
import sys

BENCHES = ("reading", "pipeline", "counting", "detecting", "measuring")


def main() -> None:
    for name in BENCHES:
        print(f"\n== bench.{name}", flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{name}"], check=True)


main()
