#!/bin/sh
# faults.sh PROJECT: every planted fault still applies to the sources, and says which target finds it.
set -eu
project=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -R "$project/src" "$scratch"
count=0
for patch in "$project"/fuzz/faults/*.patch; do
    (cd "$scratch" && patch -p1 --dry-run --quiet -i "$patch") ||
        { echo "$patch does not apply: make it again" >&2; exit 1; }
    target=$(sed -n 's/^Planted fault for the target \([a-z]*\):.*/\1/p' "$patch")
    [ -f "$project/fuzz/fuzz_$target.c" ] || { echo "$patch: no target" >&2; exit 1; }
    count=$((count + 1))
done
echo "$count faults apply"
[ "$count" -ge 12 ]
