# shellcheck shell=bash source-path=SCRIPTDIR
# Writers of others under test: whatever they do, the reports are whole and name the response.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
plugins=$4
whole=$corpus/damaged/whole.pcap.gz # three SETs and GETs; the second GET has the opaque 4

# report MODE EXPECTED: verify with the plug-in that does what MODE says; both reports are checked.
report() {
    export MISBEHAVE=$1
    shift
    rm -f "$scratch/report.json" "$scratch/report.xml"
    expect 1 verify --writer "$plugins/misbehaving.so" --json "$scratch/report.json" \
        --junit "$scratch/report.xml" "$@" "$whole"
    equal "$(head -c 1 "$scratch/report.json")$(tail -n 1 "$scratch/report.json")" "{}" "JSON"
    equal "$(tail -n 1 "$scratch/report.xml")" "</testsuites>" "JUnit"
    contains "$(printf '%s\n' "$out" | tail -n 1)" "DIFFERENT: " "verdict of $MISBEHAVE"
}

# Each in both checks of the one response, and the others are as they have to be.
while read -r mode because; do
    report "$mode" --writer-timeout 60 # a sanitizer takes its time to die
    contains "$out" "DIFFERENT: 1 of 6 rebuilt, 1 of 6 executed" "$mode"
    equal "$(printf '%s\n' "$out" | grep -c 'response   .* opaque 0x00000004')" 2 "$mode: response"
    contains "$out" "because    the writer failed: $because" "$mode"
    contains "$(cat "$scratch/report.json")" "the writer failed: $because" "$mode in JSON"
    contains "$(cat "$scratch/report.xml")" "the writer failed: $because" "$mode in JUnit"
done <<'MODES'
exit exit with status 
_exit exit with status 7
crash killed by signal 11 (Segmentation fault)
thread killed by signal 11 (Segmentation fault)
stack killed by signal 11 (Segmentation fault)
free 
heap 
memory 
copy exit with status 1
kill killed by signal 9 (Killed)
term killed by signal 15 (Terminated)
alarm killed by signal 14 (Alarm clock)
trap killed by signal 5 (Trace/breakpoint trap)
close used a file descriptor that is not its own
scribble used a file descriptor that is not its own
MODES

report error
contains "$out" "DIFFERENT: 1 of 6 rebuilt, 1 of 6 executed" "an error that there is not"
contains "$out" "the writer refused the response: unknown error" "an error that there is not"
report flood
contains "$out" "DIFFERENT: 1 of 6 rebuilt, 1 of 6 executed" "too many bytes"
report gorge --writer-timeout 2 # longer, it would fill the machine's memory, and the kernel end whom it likes
contains "$out" "because    the writer failed: " "memory filled without end"
report drain
contains "$out" "DIFFERENT: 1 of 6 rebuilt, 1 of 6 executed" "bytes of others drained"
report longjmp
contains "$out" "opaque 0x00000004" "a jump out of the call"

# What only shows with several responses is told of with the last of them.
report company
contains "$out" "the writer failed with 2 responses at once: killed by signal 6 (Aborted)" "company"

report loop --writer-timeout 1
contains "$out" "because    the writer failed: no return within 1 s" "an endless loop"
report stop --writer-timeout 1
contains "$out" "because    the writer failed: no return within 1 s" "a stopped process"

# A writer that hangs is given up soon, and the report says so.
report hang --writer-timeout 2
contains "$out" "because    the writer failed: no return within 2 s" "a hang"
contains "$out" "the writer was given up: its process died or hung 3 times; 4 responses were not built" "a hang"
contains "$(cat "$scratch/report.json")" "the writer was given up: its process" "a hang in JSON"
contains "$(cat "$scratch/report.xml")" "the writer was given up: its process" "a hang in JUnit"
report hang --writer-timeout 2 "$whole"
equal "$(grep -c '<failure' "$scratch/report.xml")" 4 "failures in two captures"
equal "$(grep -c -e '/>$' -e '></failure>' "$scratch/report.xml")" 2 "elements without a word, which are the passed cases"
report destroy
contains "$out" "the writer failed when it was destroyed: killed by signal 11" "a crash in destroy"

# What it has forked does not outlive the run: whoever reads our standard error sees its end.
MISBEHAVE=copy "$kvreplay" verify --writer "$plugins/misbehaving.so" "$whole" 2>&1 |
    timeout 60 cat >"$scratch/out"
equal "${PIPESTATUS[*]}" "1 0" "a copy that a plug-in leaves behind"

# Standard output is the report's.
export MISBEHAVE=print
expect 0 verify --writer "$plugins/misbehaving.so" --json - "$whole"
equal "$(printf '%s' "$out" | head -c 12)" "{
  \"schema\"" "JSON beside a writer that prints"
contains "$err" '"not": "a report"' "what the writer prints"

MISBEHAVE=load expect 2 verify --writer "$plugins/misbehaving.so" "$whole"
contains "$err" "--writer: cannot load the writer: $plugins/misbehaving.so: killed by" "a crash"
expect 2 verify --writer "$plugins/none.so" "$whole"
expect 2 verify --writer "$plugins/right.so" --writer-timeout 0 "$whole"

# Right writers are right there too, whatever the buffer is like.
expect 0 verify -q --writer "$plugins/right.so" "$corpus/captures"
expect 0 verify -q --writer "$plugins/right.so" --hostile 1 "$corpus/captures"
expect 0 verify -q --writer "$plugins/right.so" --reference legacy "$corpus/captures/mixed.pcap"
expect 1 verify -q --writer "$plugins/second_extent.so" --hostile 1 "$corpus/captures/mixed.pcap"
expect 1 verify -q --writer "$plugins/reversed_batch.so" "$corpus/captures/quiet.pcap"
"$kvreplay" verify -q --writer "$plugins/right.so" - <"$corpus/captures/mixed.pcap" >/dev/null
equal $? 0 "a capture on standard input beside a plug-in"

# Ignored signals of whoever starts us change nothing.
( trap '' CHLD PIPE TERM; MISBEHAVE=term "$kvreplay" verify --writer "$plugins/misbehaving.so" \
    "$whole" >"$scratch/out" )
contains "$(cat "$scratch/out")" "killed by signal 15 (Terminated)" "with signals ignored"

finish
