#!/usr/bin/env python3
"""check.py PROJECT: the regression inputs are those that make.py makes, and each has a text beside it."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

TARGET_MAX = 2 << 20  # bytes of each target's shipped corpus


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main():
    corpus = pathlib.Path(sys.argv[1]) / "corpus"
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch)
        for name in ("mcbp.py", "packets.py"):
            shutil.copy(corpus / name, copy)
        (copy / "regression").mkdir()
        shutil.copy(corpus / "regression" / "make.py", copy / "regression")
        subprocess.run([sys.executable, "-B", copy / "regression" / "make.py"], check=True)
        kept, made = files(corpus / "regression"), files(copy / "regression")
    problems += [f"{name} is not what make.py makes" for name in made if kept.get(name) != made[name]]
    for name in kept:
        if not name.endswith((".txt", ".py")) and name + ".txt" not in kept:
            problems.append(f"{name} has no text beside it")
    for folder in (corpus / "fuzz").glob("*"):
        size = sum(len(content) for content in files(folder).values())
        if size > TARGET_MAX:
            problems.append(f"{folder} has {size} bytes, over {TARGET_MAX}")
    print("\n".join(problems) or f"{len(kept)} files are as they should be")
    return 1 if problems else 0


sys.exit(main())
