#!/bin/bash
# Builds every target the way OSS-Fuzz and ClusterFuzzLite ask for it. Needs CC, CFLAGS,
# LIB_FUZZING_ENGINE and OUT in the environment, and the packages of .ci/packages; with local values:
#
#   CC=clang CFLAGS="-g -O1 -fsanitize=address,fuzzer-no-link" LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
#       OUT=/tmp/out fuzz/ossfuzz.sh
set -euo pipefail
: "${CC:?}" "${CFLAGS:?}" "${LIB_FUZZING_ENGINE:?}" "${OUT:?}"
project=$(cd "$(dirname "$0")/.." && pwd)
build=${WORK:-$project/build}/ossfuzz
mkdir -p "$OUT"
cmake -S "$project" -B "$build" -G Ninja -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" \
    -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=OFF -DKVREPLAY_FUZZER=engine
for source in "$project"/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    [ "$target" != fuzz_empty ] || continue
    ninja -C "$build" "$target"
    cp "$build/fuzz/$target" "$OUT/"
    cp "$project/fuzz/mcbp.dict" "$OUT/$target.dict"
    (cd "$project/corpus" && find fuzz regression -path "*/${target#fuzz_}/*" -type f ! -name '*.txt' | python3 -m zipfile -c "$OUT/${target}_seed_corpus.zip" $(cat))
done
