#!/bin/bash
# The promise of the header: what was compiled with an earlier header of this minor version runs with
# the library of today, and with one of tomorrow that has more in it. tests/abi/check finds a library
# that breaks it. Libraries are made from copies of the sources with one line changed.
# Usage: test_abi.sh C_COMPILER SOURCE_FILE...     the library's sources, relative to the project
set -euo pipefail
compiler=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra libevent <<<"$(pkg-config --cflags --libs libevent_core)"
number() { sed -n "s/^#define KVR_VERSION_$1 //p" "$project/include/kvresponse/kvresponse.h"; }
version=$(number MAJOR).$(number MINOR)
mode_of_check=run
command -v abidiff >/dev/null || mode_of_check=skip

# library NAME [FILE SED_COMMAND]: makes $work/NAME/libkvresponse.so of this tree, FILE changed
library() {
    local name=$1 folder=$work/$1
    mkdir -p "$folder/tests"
    cp -r "$project/src" "$project/include" "$folder/"
    cp -r "$here" "$folder/tests/"
    if [ $# -eq 3 ]; then
        sed -i "$3" "$folder/$2"
        cmp -s "$folder/$2" "$project/$2" && { echo "$name: $2 is as before"; exit 1; }
    fi
    (cd "$folder" && "$compiler" -g -O0 -std=gnu11 -D_GNU_SOURCE -fPIC -shared -fvisibility=hidden -Isrc -Iinclude \
        -Wl,-soname,"libkvresponse.so.$version" "${@:4}" "${sources[@]}" -o "libkvresponse.so.$version" "${libevent[@]}")
    ln -s "libkvresponse.so.$version" "$folder/libkvresponse.so"
}

sources=("$@")
expect() { # holds|broken NAME
    [ "$mode_of_check" = run ] || return 0
    local found=holds
    "$work/$2/tests/abi/check" "$work/$2/libkvresponse.so.$version" >"$work/log" 2>&1 || found=broken
    [ "$found" = "$1" ] || { cat "$work/log"; echo "check says $found of the library '$2'"; exit 1; }
}

runs() { # NAME WRITERS: the program that was compiled with the first header runs with it
    LD_LIBRARY_PATH=$work/$1 "$work/program" "$2" || { echo "it fails with the library '$1'"; exit 1; }
}

library same
"$compiler" -g -std=c11 -Wall -Wextra -Werror -I"$here/$version" "$here/program.c" -o "$work/program" \
    -L"$work/same" -lkvresponse "${libevent[@]}"
expect holds same
runs same 2

# What may come.
third='s/&reserve_writer, &batch_writer}/\&reserve_writer, \&batch_writer, \&third_writer}/'
third+=';s/^static const struct kvr_writer_type \*const types/static struct kvr_writer_type third_writer;\n&/'
third+=';$a __attribute__((constructor)) static void add(void) { third_writer = batch_writer; third_writer.name = "third"; }'
library writer_added src/writer/kvresponse.c "$third"
expect holds writer_added
runs writer_added 3
library option_added include/kvresponse/plugin.h 's/^    size_t reference_threshold;/&\n    size_t another;/'
expect holds option_added
runs option_added 2
library error_added include/kvresponse/kvresponse.h 's/^    KVR_TORN$/&,\n    KVR_ANOTHER/'
expect holds error_added
runs error_added 2

# What may not.
library response_grown include/kvresponse/kvresponse.h 's/^    uint64_t cas;/&\n    uint64_t another;/'
expect broken response_grown
library error_inserted include/kvresponse/kvresponse.h 's/^    KVR_EXTRAS_TOO_LONG,/&\n    KVR_ANOTHER,/'
expect broken error_inserted
library function_removed include/kvresponse/kvresponse.h 's/^const char \*kvr_version(void);/__attribute__((visibility("hidden"))) &/'
expect broken function_removed
if (runs function_removed 2) >/dev/null 2>&1; then
    echo 'a program runs without a function that it calls'
    exit 1
fi

[ "$mode_of_check" = run ] || { echo 'abidiff (abigail-tools) is not installed: only the program was run'; exit 77; }
