# shellcheck shell=bash source-path=SCRIPTDIR
# The exit status of verify on every damaged capture, alone and in company.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
damaged=$corpus/damaged

while IFS=$'\t' read -r file status any_loss _; do
    expect "$status" verify -q "$damaged/$file"
    case $status in
    3) contains "$out" "UNREADABLE: $damaged/$file: byte " "the place in $file" ;;
    4) contains "$out" "NOT ENOUGH EVIDENCE: $damaged/$file: " "what is not enough in $file" ;;
    1) contains "$out" "DIFFERENT: " "the verdict on $file" ;;
    esac
    expect "$any_loss" verify -q --max-loss any "$damaged/$file"
done < <(tail -n +2 "$damaged/expected.tsv")

good=$damaged/whole.pcap.gz
different=$damaged/changed-value.pcap
lossy=$damaged/gap-server.pcap
unreadable=$damaged/text.pcap

# The worst status counts: 3, 4, 1, 0; and the rest still runs.
expect 1 verify -q "$good" "$different"
expect 4 verify -q "$lossy" "$different" "$good"
contains "$out" "also DIFFERENT: 0 of" "a difference beside a loss"
expect 3 verify -q "$unreadable" "$lossy" "$different" "$good"
contains "$out" "value+6" "a difference behind a file that can't be read"

# Evidence: thresholds count for each capture.
expect 0 verify --require-compared 6 --require-executed 6 "$good"
expect 4 verify --require-compared 7 "$good"
contains "$out" "6 server frames compared, 7 required" "--require-compared"
expect 4 verify --require-executed 7 "$good"
expect 0 verify --max-loss 24 "$lossy"
expect 4 verify --max-loss 23 "$lossy"
contains "$out" "--max-loss 24" "the hint to accept the loss"
expect 4 verify --port 1 "$good"
contains "$out" "--port" "the hint that --port may have left nothing"
expect 0 verify --port 11311 --filter tcp "$good"

# What accepts a difference, and what does not.
expect 0 verify --allow-eviction "$damaged/miss-of-stored.pcap"
expect 1 verify "$damaged/miss-of-stored.pcap"
contains "$out" "--allow-eviction" "the hint to --allow-eviction"
expect 0 verify --mask GET:value "$different"
contains "$out" "--mask 'GET:value' (needed by 1 frame)" "the mask in the report"
expect 1 verify --mask SET:value "$different"
contains "$out" "--mask 'GET:value'" "the hint to a mask"
expect 0 verify --reference legacy "$good"
expect 0 verify --reference flat --writer append "$good"
expect 0 verify --state cold "$good"
expect 1 verify --state cold "$corpus/made/datatypes.pcap"

finish
