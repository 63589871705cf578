# shellcheck shell=bash source-path=SCRIPTDIR
# Where reports go, and that what can't be written is noticed.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
good=$corpus/damaged/whole.pcap.gz
different=$corpus/damaged/changed-value.pcap

# status WHAT EXPECTED: of the last command.
status() {
    local is=$?
    equal "$is" "$2" "exit status, $1"
}

"$kvreplay" verify "$good" >&- 2>"$scratch/err"
status "standard output closed" 70
contains "$(cat "$scratch/err")" "standard output" "standard output closed"
"$kvreplay" verify --json "$scratch/alone.json" "$good" >&- 2>/dev/null
status "standard output closed beside a JSON file" 70
equal "$(head -c 1 "$scratch/alone.json")$(tail -n 1 "$scratch/alone.json")" "{}" \
    "the JSON file has the JSON and nothing else"
"$kvreplay" inspect "$good" >&- 2>/dev/null
status "inspect, standard output closed" 70
"$kvreplay" --help >&- 2>/dev/null
status "--help, standard output closed" 70
if [ -c /dev/full ]; then
    "$kvreplay" verify "$good" >/dev/full 2>"$scratch/err"
    status "standard output full" 70
    contains "$(cat "$scratch/err")" "No space left" "standard output full"
    "$kvreplay" verify --json - "$good" >/dev/full 2>/dev/null
    status "JSON on a full standard output" 70
    expect 70 verify --json /dev/full "$good"
    contains "$err" "/dev/full: can't be written" "a JSON file on a full disk"
    expect 70 verify --junit /dev/full "$good"
    "$kvreplay" inspect "$good" >/dev/full 2>/dev/null
    status "inspect on a full standard output" 70
    "$kvreplay" --version >/dev/full 2>/dev/null
    status "--version on a full standard output" 70
fi
expect 70 verify --json "$scratch/none/x.json" "$good"
contains "$err" "none/x.json: can't be written: No such file" "a JSON file in no folder"
equal "$out" "" "text although the JSON can't be written"

# A reader that goes away ends the program, and never with the status of success.
( "$kvreplay" inspect -x "$corpus/made/" 2>/dev/null; echo $? >"$scratch/status" ) |
    head -n 1 >"$scratch/first"
contains "$(cat "$scratch/first")" "# capture" "what the reader saw"
equal "$(cat "$scratch/status")" 141 "status after SIGPIPE"

# Reports in files come beside the text, those on standard output instead of it.
expect 1 verify --json "$scratch/report.json" --junit "$scratch/report.xml" "$different"
contains "$out" "DIFFERENT: " "text beside the files"
contains "$(cat "$scratch/report.json")" '"schema": "kvreplay-verify-1"' "the JSON file"
contains "$(cat "$scratch/report.xml")" "<failure" "the JUnit file"
expect 1 verify --json - "$different"
equal "$(printf '%s' "$out" | head -c 1)" "{" "JSON on standard output"
equal "$(printf '%s\n' "$out" | tail -n 1)" "}" "JSON on standard output"
expect 1 verify --junit - "$different"
contains "$(printf '%s\n' "$out" | head -n 1)" "<?xml" "JUnit on standard output"

# Text: quiet is one line when all is well; how much is shown can be chosen.
expect 0 verify -q "$good"
equal "$out" "identical: 6 server frames rebuilt, 6 executed (exit status 0)" "-q"
expect 1 verify -q --show 0 "$different"
equal "$(printf '%s\n' "$out" | grep -c 'where  ')" 0 "--show 0"
expect 0 verify -v "$good"
contains "$out" "SUCCESS 3" "the statuses of -v"

# Nothing on standard error, and no colour, unless asked for.
expect 1 verify "$different"
equal "$err" "" "standard error"
equal "$(printf '%s' "$out" | grep -c "$(printf '\033')")" 0 "colour in a file"
expect 1 verify --color=always "$different"
contains "$out" "$(printf '\033[')" "--color=always"
expect 1 verify --color=never "$different"
equal "$(printf '%s' "$out" | grep -c "$(printf '\033')")" 0 "--color=never"

# The same input gives the same bytes.
expect 3 verify --json "$scratch/one" "$corpus/damaged"
expect 3 verify --json "$scratch/two" "$corpus/damaged"
cmp "$scratch/one" "$scratch/two" || fail "two runs gave different JSON"

finish
