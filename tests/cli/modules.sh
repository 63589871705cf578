#!/bin/sh
# modules.sh PROJECT: .ci/modules has nothing to say of the sources, and names what is wrong with a copy of them.
set -eu
project=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
copy=$scratch/project

"$project/.ci/modules"

fresh() {
    rm -rf "$copy"
    mkdir -p "$copy/.ci"
    cp -R "$project/src" "$project/ARCHITECTURE.md" "$copy"
    cp "$project/.ci/modules" "$copy/.ci"
}

# names WANTED: .ci/modules fails on the copy, and says that.
names() {
    if said=$("$copy/.ci/modules" 2>&1); then
        echo "nothing is said, and not '$1'" >&2
        exit 1
    fi
    case $said in
    *"$1"*) ;;
    *)
        echo "not '$1' is said, but: $said" >&2
        exit 1
        ;;
    esac
    fresh
}

fresh
"$copy/.ci/modules"

echo '#include "net/conversation.h"' >>"$copy/src/net/held.c"
names 'net/conversation > net/held > net/conversation (2 include each other)'

echo '#include "net/packet.h"' >>"$copy/src/mcbp/frame.h"
echo '#include "mcbp/frame.h"' >>"$copy/src/net/packet.h"
names 'mcbp > net > mcbp (2 include each other)'

echo '#include "engine/item.h"' >>"$copy/src/net/packet.h"
names 'net includes from engine, which it does not link'

sed -i 's/(net PUBLIC base)/(net PUBLIC base mcbp)/' "$copy/src/net/CMakeLists.txt"
names 'net: linked only: mcbp'

# shellcheck disable=SC2016
sed -i 's/^\(| `net` .*\) base |$/\1 base, mcbp |/' "$copy/ARCHITECTURE.md"
names 'net: in the table only: mcbp'

sed -i 's|^STILL_IN_CYCLES = .*|STILL_IN_CYCLES = {"net": 1}|' "$copy/.ci/modules"
names 'net has no cycle any more: take it out'
