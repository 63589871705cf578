# shellcheck shell=bash source-path=SCRIPTDIR
# The man page and the program say the same: the SYNOPSIS has the options of --usage, and the
# options that --help explains are those that the man page explains.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
page=${MANUAL:-$project/man/kvreplay.1}

# The commands, a line each.
commands() {
    "$kvreplay" --help | awk '/^ Commands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }'
}

# usage_of COMMAND: its options and arguments as --usage has them, a line each, in lower case.
usage_of() {
    "$kvreplay" "$1" --usage | tr -s ' \n' ' ' |
        sed 's/^Usage: kvreplay [a-z]* //; s/ *$//; s/\[\(-[^] -]\) \([^]]*\)\]/\1=\2/g' |
        tr ' ' '\n' | tr '[:upper:]' '[:lower:]' | tr -d '?' | sed 's/^\[\(.*\)\]$/\1/' |
        grep -v -x -e '--help' -e '--usage' -e '-' | sort
}

# synopsis_of COMMAND: the same from the man page.
synopsis_of() {
    awk -v command="$1" '
        /^\.Sh/ { on = ($2 == "SYNOPSIS") }
        /^\.Cm/ { mine = ($2 == command) }
        !on || !mine { next }
        /^\.Op Fl/ { line = $0; sub(/^\.Op Fl /, "-", line); gsub(/( Ns =)?( Ns)? Ar /, "=", line); print line }
        /^\.Ar/ { print $2 }' "$page" | tr '[:upper:]' '[:lower:]' | sort
}

# The options that --help explains, of all commands and the program itself: "-q", "--quiet", ...
explained_by_help() {
    for command in "" $(commands); do
        # shellcheck disable=SC2086
        "$kvreplay" $command --help
    done | sed -n -e 's/^  \(-[^ -]\), \(--[a-z-]*\).*/\1\n\2/p' -e 's/^      \(--[a-z-]*\).*/\1/p' | sort -u
}

# The same of the man page: .It Fl q , Fl -quiet and .It Fl -mask Ns = Ns Ar mask.
explained_by_page() {
    sed -n 's/^\.It Fl /-/p' "$page" | sed -e 's/ , Fl /\n-/; s/\\&//' | sed 's/ .*//' | sort -u
}

# same WHAT ONE OTHER: two lists are the same, and not empty.
same() {
    [ -s "$2" ] || fail "$1: nothing was found; has the form of the output changed?"
    if ! diff -u --label program --label "man page" "$2" "$3"; then
        fail "$1"
    fi
}

for command in $(commands); do
    usage_of "$command" >"$scratch/usage"
    synopsis_of "$command" >"$scratch/synopsis"
    same "SYNOPSIS of $command" "$scratch/usage" "$scratch/synopsis"
    grep -q "^\.Ss kvreplay $command\$" "$page" || fail "no section about $command"
done
[ "$(commands | wc -l)" -ge 2 ] || fail "commands are missing from --help"
equal "$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/s/^\.Cm //p' "$page" | sort)" "$(commands | sort)" \
    "commands in the SYNOPSIS"

explained_by_help >"$scratch/help"
explained_by_page >"$scratch/page"
same "options explained" "$scratch/help" "$scratch/page"

finish
