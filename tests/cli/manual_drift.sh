# shellcheck shell=bash source-path=SCRIPTDIR
# manual.sh can fail: it is given man pages that drifted away from the program.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
page=$project/man/kvreplay.1

# drifted WHAT SED-EXPRESSION
drifted() {
    sed "$2" "$page" >"$scratch/page.1"
    cmp -s "$page" "$scratch/page.1" && fail "$1: the page was not changed"
    if MANUAL=$scratch/page.1 bash "$(dirname "$0")/manual.sh" "$kvreplay" "$project" "$version" \
        >/dev/null; then
        fail "not noticed: $1"
    fi
}

drifted "an option under another name" 's/^\.Op Fl -json Ns/.Op Fl -jsn Ns/'
drifted "an option that takes no value" 's/^\(\.Op Fl -mask\) .*/\1/'
drifted "an option missing from the SYNOPSIS" '/^\.Op Fl -show/d'
drifted "a short option missing from the SYNOPSIS" 's/^\.Op Fl qv/.Op Fl q/'
drifted "an option that is not explained" '/^\.It Fl -filter/d'
drifted "an option that does not exist" 's/^\.It Fl -port/.It Fl -ports/'
drifted "a command that does not exist" 's/^\.Cm inspect/.Cm look/'

finish
