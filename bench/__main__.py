"""Run the benchmarks: `python -m bench [NAME …] [--short]`. A benchmark is a folder with a `bench.py`."""

import argparse
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Run those named, or all."""
    known = sorted(path.parent.name for path in HERE.glob("*/bench.py"))
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(known)}")
    parser.add_argument("--short", action="store_true", help="fewer and shorter runs, smaller stores")
    args = parser.parse_args()
    unknown = set(args.names) - set(known)
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    for name in args.names or known:
        print(f"\n# {name}\n")
        import_module(f"bench.{name}.bench").main(args.short)


if __name__ == "__main__":
    main()
