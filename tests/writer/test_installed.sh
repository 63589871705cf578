#!/bin/bash
# The library as others get it: installed to an empty folder, found by pkg-config and by CMake, and
# the installed example built with each of them, as C and as C++, that answers requests.
# Usage: test_installed.sh BUILD_DIR C_COMPILER C_FLAGS CXX_COMPILER
set -eu
build=$1 compiler=$2 flags=$3 cxx=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/usr" --component libkvresponse >"$work/install.log"
libdir=$(dirname "$(find "$work/usr" -name libkvresponse.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
(cd "$work/usr" && find . -name '*.h')
[ -s "$work/usr/share/man/man3/kvresponse.3" ]
examples=$work/usr/share/doc/kvresponse/examples
version=$(pkg-config --modversion kvresponse)

# Nothing but the header's names is exported, by either library, and no data.
for library in "-D $libdir/libkvresponse.so" "-g $libdir/libkvresponse.a"; do
    # shellcheck disable=SC2086
    others=$(nm --defined-only $library | awk 'NF == 3 && $2 ~ /[A-Z]/ && ($2 != "T" || $3 !~ /^kvr_/) {print $3}' |
        grep -vE '^(_init|_fini|__odr_asan|__asan|__ubsan|__tsan|__gcov|mangle_path|_edata|_end|__bss_start)' || true)
    test -z "$others" || { echo "exported by $library: $others"; exit 1; }
done
# The soname says what may be replaced by what: 0.2 for all of 0.2.x.
soname=$(readelf -d "$libdir/libkvresponse.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
[ "$soname" = "libkvresponse.so.${version%.*}" ] || { echo "soname $soname, version $version"; exit 1; }

warnings='-Wall -Wextra -Wpedantic -Werror'
# shellcheck disable=SC2046,SC2086
"$compiler" $flags -std=c11 -D_DEFAULT_SOURCE $warnings "$examples/server.c" -o "$work/shared" \
    $(pkg-config --cflags --libs kvresponse)
# shellcheck disable=SC2046,SC2086
"$compiler" $flags -std=c11 -D_DEFAULT_SOURCE $warnings -I"$work/usr/include" "$examples/server.c" \
    -o "$work/static" "$libdir/libkvresponse.a" $(pkg-config --libs libevent_core)
if [ -n "$cxx" ]; then
    # shellcheck disable=SC2046,SC2086
    "$cxx" $flags -x c++ -std=c++11 $warnings "$examples/server.c" -x none -o "$work/cxx" \
        $(pkg-config --cflags --libs kvresponse)
    # shellcheck disable=SC2046
    printf '#include <kvresponse/plugin.h>\n' | "$cxx" -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror \
        -fsyntax-only $(pkg-config --cflags kvresponse) -
else
    echo 'no C++ compiler: the example is compiled as C only'
fi

for library in kvresponse kvresponse_static; do
    cp -r "$examples" "$work/with_$library"
    sed -i "s/kvresponse::kvresponse\b/kvresponse::$library/" "$work/with_$library/CMakeLists.txt"
    cmake -G Ninja -S "$work/with_$library" -B "$work/with_$library/build" -DCMAKE_PREFIX_PATH="$work/usr" \
        -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$flags" >"$work/cmake.log"
    cmake --build "$work/with_$library/build" >>"$work/cmake.log"
done

export LD_LIBRARY_PATH=$libdir
count=0
for program in "$work/shared" "$work/static" "$work/cxx" "$work"/with_*/build/server; do
    if [ -x "$program" ]; then
        "$(dirname "$0")/talk.py" "$program"
        count=$((count + 1))
    fi
done
echo "$count programs answered"
[ "$count" -ge 4 ]
