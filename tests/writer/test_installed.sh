#!/bin/bash
# The library as others get it: installed to an empty folder, found by pkg-config and by CMake, and
# an example built with each of them that answers requests.
# Usage: test_installed.sh BUILD_DIR EXAMPLE_SOURCE C_COMPILER C_FLAGS
set -eu
build=$1 example=$2 compiler=$3 flags=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/usr" --component libkvresponse >"$work/install.log"
libdir=$(dirname "$(find "$work/usr" -name libkvresponse.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
(cd "$work/usr" && find . -name '*.h')

# Nothing but the header's names is exported, by either library.
for library in "-D $libdir/libkvresponse.so" "-g $libdir/libkvresponse.a"; do
    # shellcheck disable=SC2086
    others=$(nm --defined-only $library | awk 'NF == 3 && $2 ~ /[A-Z]/ && $3 !~ /^kvr_/ {print $3}' |
        grep -vE '^(_init|_fini|__odr_asan|__asan|__ubsan|__tsan|__gcov|mangle_path)' || true)
    test -z "$others" || { echo "exported by $library: $others"; exit 1; }
done

# shellcheck disable=SC2046,SC2086
"$compiler" $flags -std=c11 -Wall -Wextra -Werror "$example" -o "$work/shared" \
    $(pkg-config --cflags --libs kvresponse)
# shellcheck disable=SC2046,SC2086
"$compiler" $flags -std=c11 -Wall -Wextra -Werror -I"$work/usr/include" "$example" -o "$work/static" \
    "$libdir/libkvresponse.a" $(pkg-config --libs libevent_core)

mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.25)
project(example C)
find_package(kvresponse REQUIRED)
foreach(library kvresponse kvresponse_static)
  add_executable(with_\${library} $example)
  target_link_libraries(with_\${library} PRIVATE kvresponse::\${library})
endforeach()
EOF
cmake -G Ninja -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$work/usr" \
    -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$flags" >"$work/cmake.log"
cmake --build "$work/project/build" >>"$work/cmake.log"

export LD_LIBRARY_PATH=$libdir
for program in "$work/shared" "$work/static" "$work"/project/build/with_*; do
    "$(dirname "$0")/talk.py" "$program"
done
echo "4 programs answered"
