#!/bin/sh
# driver.sh FUZZ_MASK FUZZ_FRAME: the plain driver reads files and folders, and fails where it should.
set -eu
mask=$1 frame=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/inputs"
printf '*:cas' >"$scratch/inputs/one"
printf 'GET:key' >"$scratch/inputs/two"
: >"$scratch/inputs/empty"
echo 'no input' >"$scratch/inputs/one.txt"
"$mask" "$scratch/inputs" "$scratch/inputs/one" | grep -q '^4 inputs ran$'
"$frame" "$scratch/inputs" | grep -q '^3 inputs ran$'
mkdir "$scratch/nothing"
if "$mask" "$scratch/nothing" >/dev/null; then echo "no input is no success" >&2; exit 1; fi
if "$mask" "$scratch/missing" >/dev/null 2>&1; then echo "a missing file is no success" >&2; exit 1; fi
if "$mask" >/dev/null; then echo "no argument is no success" >&2; exit 1; fi
