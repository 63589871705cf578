#!/usr/bin/env python3
"""
Shows that the tests notice: plants each of tests/mutants/list, a change of one line of src, in a copy of the tree,
builds the tests named for it, and runs them; one of them has to fail.

  plant.py [--random N [--seed SEED]] [NAME...]
  plant.py --check

Without arguments all are planted, with --check none: only the lines are looked for. The seed of a random choice is printed; KVREPLAY_SEED gives one, too. The exit status
is 1 if any survived, or is no mutant any more: its line is not there, or it does not compile. The build is kept in
build/mutants, so that a second run is fast.
"""
import argparse
import os
import pathlib
import random
import re
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(os.environ.get("KVREPLAY_MUTANTS_WORK", PROJECT / "build/mutants"))
TREE, BUILD = WORK / "tree", WORK / "build"
TEST_SECONDS = 120


class Mutant:
    def __init__(self, block):
        lines = block.splitlines()
        self.name = lines[0].strip()
        self.file, tests = lines[1].split(":")
        self.tests = tests.split()
        self.before = lines[2].removeprefix("- ")
        self.after = lines[3].removeprefix("+ ")

    def planted(self, text):
        """The text with the line changed, which has to be there once."""
        lines = text.splitlines(keepends=True)
        at = [i for i, line in enumerate(lines) if line.strip() == self.before]
        if len(at) != 1:
            raise LookupError(f"its line is there {len(at)} times")
        indent = lines[at[0]][:len(lines[at[0]]) - len(lines[at[0]].lstrip())]
        lines[at[0]] = indent + self.after + "\n"
        return "".join(lines)


def mutants():
    text = (PROJECT / "tests/mutants/list").read_text(encoding="utf-8")
    blocks = re.split(r"^== ", re.sub(r"^#.*\n", "", text, flags=re.M), flags=re.M)[1:]
    found = [Mutant(block) for block in blocks]
    assert len({m.name for m in found}) == len(found), "two mutants of one name"
    return found


def without_line(every):
    """Those that the tree has grown away from."""
    gone = []
    for mutant in every:
        try:
            mutant.planted((PROJECT / mutant.file).read_text(encoding="utf-8"))
        except LookupError as problem:
            gone.append(f"{mutant.name}: {mutant.file}: {problem}")
    return gone


def copy_tree():
    """What git knows of, as it is in the working tree; what is the same keeps its time."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True).stdout
    wanted = {name.decode() for name in names.split(b"\0") if name}
    for name in wanted:
        source, copy = PROJECT / name, TREE / name
        if not source.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.write_bytes(source.read_bytes())
            copy.chmod(source.stat().st_mode)
    for copy in (TREE / "src").rglob("*"):
        if copy.is_file() and str(copy.relative_to(TREE)) not in wanted:
            copy.unlink()


def run(command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)


def configure():
    done = run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug"])
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)


def build(tests):
    """Programs have their test's name; scripts run kvreplay, some with plug-ins or without memory."""
    known = run(["ninja", "-C", BUILD, "-t", "targets", "all"]).stdout
    targets = {name for name in tests if f"\n{name}: phony" in known} | {"kvreplay", "make_certificate", "memory_failing"}
    targets.update(re.findall(r"^(plugin_\w+): phony", known, re.MULTILINE))
    return run(["ninja", "-C", BUILD, *sorted(targets)])


def failing(tests):
    """What the first of the tests that fails says, or ""; which ran is looked at, since none is no answer."""
    pattern = "^(" + "|".join(map(re.escape, tests)) + ")$"
    done = run(["ctest", "--test-dir", BUILD, "-R", pattern, "--stop-on-failure", "--no-tests=error", "--timeout",
                str(TEST_SECONDS), "--output-on-failure"])
    if "No tests were found" in done.stdout + done.stderr or "Skipped" in done.stdout:
        raise LookupError(f"not all of its tests were run: {' '.join(tests)}")
    return done.stdout if done.returncode != 0 else ""


def verdict(mutant):
    file = TREE / mutant.file
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(mutant.planted(text), encoding="utf-8")
        built = build(mutant.tests)
        if built.returncode != 0:
            return "does not compile: " + built.stdout[-2000:]
        return "killed" if failing(mutant.tests) else "SURVIVED"
    except LookupError as problem:
        return str(problem)
    finally:
        file.write_text(text, encoding="utf-8")


def choose(arguments):
    every = mutants()
    if arguments.names:
        chosen = [m for m in every if m.name in arguments.names]
        unknown = set(arguments.names) - {m.name for m in chosen}
        if unknown:
            sys.exit(f"there is no mutant {' '.join(sorted(unknown))}")
        return chosen
    if not arguments.random:
        return every
    seed = arguments.seed or int(os.environ.get("KVREPLAY_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {seed}, {arguments.random} of {len(every)} mutants", flush=True)
    return random.Random(seed).sample(every, min(arguments.random, len(every)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    if (gone := without_line(mutants())):
        sys.exit("\n".join(gone))
    if arguments.check:
        return
    chosen = choose(arguments)
    copy_tree()
    configure()
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    built = build(tests)
    if built.returncode != 0:
        sys.exit(built.stdout[-4000:])
    if (said := failing(tests)):
        sys.exit(said[-4000:] + "\nthe tests fail without any mutant, so that they tell nothing")
    killed = 0
    for mutant in chosen:
        began = time.monotonic()
        result = verdict(mutant)
        killed += result == "killed"
        print(f"{mutant.name:32} {mutant.file:32} {result} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{killed} of {len(chosen)} mutants killed")
    sys.exit(killed != len(chosen))


if __name__ == "__main__":
    main()
