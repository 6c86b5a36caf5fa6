"""Makes cores of anywhere.c on the machine it runs on: `python make_cores.py FOLDER`, for elsewhere.py."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from integration.anywhere import NATIVE
from integration.harness import core_of

NAMES = ("dynamic", "pie", "static", "static-pie")


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for build in NATIVE:
        if build.name in NAMES:
            executable = build.executable()
            run = folder / build.name
            run.mkdir(parents=True)
            _, core = core_of(executable, run)
            made = {"executable": str(executable), "core": str(core), "queries": build.queries}
            (run / "made.json").write_text(json.dumps(made))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
