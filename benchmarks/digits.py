"""Keeps the numbers and the picture of the demo: ``python -m benchmarks.digits``."""

import runpy
from pathlib import Path

from benchmarks import _results

ROOT = Path(__file__).parent.parent


def main():
    _results.no_arguments(__doc__)
    demo = runpy.run_path(str(ROOT / "examples" / "digits.py"))
    result = {
        "labels_per_class": demo["LABELS_PER_CLASS"],
        "seeds": list(range(demo["N_SEEDS"])),
        "test_accuracy": demo["accuracy"],
        "fit_seconds": {
            name: [round(s, 2) for s in seconds]
            for name, seconds in demo["seconds"].items()
        },
    }
    _results.write("digits", result | _results.provenance())
    picture = ROOT / "docs" / "images" / demo["PICTURE"].name
    picture.parent.mkdir(exist_ok=True)
    demo["PICTURE"].replace(picture)


if __name__ == "__main__":
    main()
