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

expect 3 verify "$unreadable"
contains "$err" "kvreplay: $unreadable: byte " "what can't be read, on standard error"
expect 4 verify "$damaged/block-cut.pcapng"
contains "$out" "hint: copy the file again once it is complete" "the hint for a file that was cut"
expect 4 verify -q --max-loss 1000000 "$damaged/block-cut.pcapng"
contains "$out" "truncated" "a number accepts no file of unknown length"

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
expect 1 verify "$different" "$damaged/changed-cas.pcap"
contains "$out" "--mask 'GET:value' --mask 'GET:cas'" "the hint to all masks that are needed"
expect 1 verify "$damaged/edited-status.pcap"
lacks "$out" "--allow-eviction" "the hint to --allow-eviction for what stores regardless"
expect 1 verify "$damaged/changed-status-bit.pcap"
lacks "$out" "--allow-eviction" "the hint to --allow-eviction where the rest is no miss"
expect 4 verify "$damaged/snap-all.pcap"
contains "$out" "-s 0" "the hint to record whole packets"
lacks "$out" "--max-loss" "the hint to accept a loss that leaves nothing"
expect 1 verify "$damaged/changed-opcode.pcap"
contains "$out" "header.opcode differs in the answer to GET" "the request's name, not the answer's"
expect 1 verify --mask SET:value "$different"
contains "$out" "--mask 'GET:value'" "the hint to a mask"
expect 0 verify --reference legacy "$good"
expect 0 verify --reference flat --writer append "$good"
expect 0 verify --state cold "$good"
expect 1 verify --state cold "$corpus/made/datatypes.pcap"

finish
