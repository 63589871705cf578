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

# A report takes no capture's place: not one that is read, nor another.
for packed in cat gzip 'zstd -q'; do
    $packed <"$corpus/captures/cas.pcap" >"$scratch/kept"
    cp "$scratch/kept" "$scratch/copy"
    for option in --json --junit; do
        expect 2 verify "$option" "$scratch/kept" "$good"
        contains "$err" "$option: '$scratch/kept' is a capture" "a report over a capture"
    done
    expect 2 replay --to "unix:$scratch/none" --json "$scratch/kept" "$scratch/kept"
    expect 2 bench --from "$scratch/kept" --json "$scratch/kept"
    expect 2 bench --from "$scratch/kept" --plot "$scratch/kept"
    cmp "$scratch/kept" "$scratch/copy" || fail "the capture has become another"
done

# Nor that of anything else that is read.
bench=(bench --sinks memory --repeat 1 --time 1) # short, if it is not refused
echo precious >"$scratch/kept"
cp "$scratch/kept" "$scratch/copy"
ln -s kept "$scratch/link"
ln "$scratch/kept" "$scratch/linked"
for name in kept ./kept link linked; do
    expect 2 verify --json "$scratch/$name" "$good" "$scratch/kept"
    contains "$err" "--json: '$scratch/$name' is to be read" "a report over an input"
    expect 2 verify --writer "$scratch/kept" --junit "$scratch/$name" "$good"
    contains "$err" "--junit: '$scratch/$name' is to be read" "a report over a plug-in"
    expect 2 replay --to "unix:$scratch/none" --tls --tls-ca "$scratch/kept" \
        --json "$scratch/$name" "$good"
    expect 2 "${bench[@]}" --from "$scratch/kept" --plot "$scratch/$name"
    expect 2 corpus --to-pcap "$scratch/kept" -o "$scratch/$name"
    expect 2 record --force -l 127.0.0.1:0 --to 127.0.0.1:1 --tls-cert "$scratch/kept" \
        -o "$scratch/$name"
    contains "$err" "--output: '$scratch/$name' is to be read" "a capture over a certificate"
    expect 2 anonymise "$scratch/kept" -o "$scratch/$name"
done
out=$("$kvreplay" verify --json "$scratch/kept" - <"$scratch/kept" 2>&1)
status "a report over standard input" 2
cmp "$scratch/kept" "$scratch/copy" || fail "what was to be read has become another"

# Two reports never go to one file, however it is named and whether it is there.
mkdir "$scratch/to"
ln -s new "$scratch/to/dangling"
ln -s . "$scratch/to/here"
ln -s "$scratch/kept" "$scratch/to/old"
for names in 'to/new to/new' 'to/new to/./new' 'to/new to/../to/new' 'to/new to/here/new' \
    'to/new to/dangling' 'to/dangling to/here/dangling' 'kept ./kept' 'kept to/old' 'kept linked'; do
    one=$scratch/${names% *} other=$scratch/${names#* }
    expect 2 verify --json "$one" --junit "$other" "$good"
    contains "$err" "--json and --junit both write to '$other'" "two reports in one file"
    expect 2 replay --to "unix:$scratch/none" --json "$other" --junit "$one" "$good"
    expect 2 "${bench[@]}" --json "$one" --plot "$other"
    contains "$err" "--json and --plot both write to '$other'" "two reports in one file"
done
cmp "$scratch/kept" "$scratch/copy" || fail "two reports have replaced it"
[ ! -e "$scratch/to/new" ] || fail "two reports have made a file"
(cd "$scratch" && "$kvreplay" verify --json new.json --junit "$scratch/new.json" "$good") 2>/dev/null
status "a relative name and an absolute one" 2
expect 0 verify --json "$scratch/to/a" --junit "$scratch/to/b" "$good"
expect 70 verify --json "$scratch/none/a" --junit "$scratch/none/b" "$good"
expect 0 verify --json /dev/null --junit /dev/null "$good"

# Standard output is one file, too, whatever it is and however it is named.
for names in '- -' '- /dev/stdout' '/dev/stdout -' '/dev/stdout /proc/self/fd/1'; do
    for command in verify "replay --to unix:$scratch/none"; do
        # shellcheck disable=SC2086
        expect 2 $command --json "${names% *}" --junit "${names#* }" "$good"
        equal "$out" "" "$command $names"
    done
    expect 2 "${bench[@]}" --json "${names% *}" --plot "${names#* }"
done
"$kvreplay" verify --json - --junit "$scratch/text" "$good" >"$scratch/text"
status "a report where standard output goes" 2
for name in - /dev/stdout; do
    expect 0 verify --json $name "$good"
    equal "$(printf '%s' "$out" | head -c 1)$(printf '%s\n' "$out" | tail -n 1)" "{}" "$name alone"
    "$kvreplay" verify --json $name "$good" >"$scratch/text"
    equal "$(head -c 1 "$scratch/text")$(tail -n 1 "$scratch/text")" "{}" "$name in a file"
done
(cd "$scratch" && "$kvreplay" verify --json ./- --junit - "$good") | head -n 1 >"$scratch/first"
contains "$(cat "$scratch/first")" "<?xml" "a file of the name -"
equal "$(head -c 1 "$scratch/-")" "{" "a file of the name -"

# Blank lines are between parts that there are.
expect 4 replay --to "unix:$scratch/none" "$good"
case $out in *$'\n\n\n'*) fail "two blank lines: $out" ;; esac

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
    contains "$out" "(exit status 70)" "the status that the program ends with"
    expect 70 verify --junit /dev/full "$good"
    "$kvreplay" inspect "$good" >/dev/full 2>/dev/null
    status "inspect on a full standard output" 70
    timeout 10 "$kvreplay" serve -p 0 >/dev/full 2>"$scratch/err"
    status "serve that can't say where it listens" 70
    contains "$(cat "$scratch/err")" "standard output: " "serve on a full standard output"
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
