#!/bin/bash
# The library as others get it: installed to an empty folder, found by pkg-config and by CMake, and
# an example built with each of them that answers requests.
# Usage: test_installed.sh BUILD_DIR EXAMPLE_SOURCE C_COMPILER C_FLAGS
set -eu
build=$1 example=$2 compiler=$3 flags=$4
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$work"' EXIT

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
cmake -S "$work/project" -B "$work/project/build" -DCMAKE_PREFIX_PATH="$work/usr" \
    -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$flags" >"$work/cmake.log"
cmake --build "$work/project/build" >>"$work/cmake.log"

# Two requests in one segment, and the two answers in order.
request=80aa00000000000000000000000000010000000000000000
export LD_LIBRARY_PATH=$libdir
for program in "$work/shared" "$work/static" "$work"/project/build/with_*; do
    port=$((20000 + RANDOM % 10000))
    "$program" "$port" &
    server=$!
    for _ in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        sleep 0.05
    done
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%b' "$(sed 's/../\\x&/g' <<<"$request${request/0001/0002}")" >&3
    answers=$(head -c 48 <&3 | od -An -v -tx1 | tr -d ' \n')
    exec 3>&-
    kill "$server"
    wait "$server" || true
    server=
    test "$answers" = "81${request:2}81$(tail -c +3 <<<"${request/0001/0002}")" ||
        { echo "$program: $answers"; exit 1; }
done
echo "4 programs answered"
