# shellcheck shell=bash source-path=SCRIPTDIR
# The reports: JSON with every member, a plot that names what it shows.
# shellcheck source=../cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
fast=(--time 1 --repeat 2)

expect 1 bench "${fast[@]}" --sizes 0,1k --depths 1,16 --writers batch,legacy --json - \
    --assert 'batch.tls.records<=legacy.tls.records' --assert 'batch.memory.chunks >= 1'
printf '%s' "$out" >"$scratch/report.json"
python3 - "$scratch/report.json" <<'EOF' || fail "the JSON report"
import json, sys

report = json.load(open(sys.argv[1]))
assert report["schema"] == "kvreplay-bench-1"
settings = report["settings"]
assert settings["baseline"] == "legacy" and settings["repeat"] == 2 and settings["time"] == 1
assert settings["heap"] == "keep" and settings["seed"] == 1 and settings["capture"] is None
places = [(c["sink"], c["value_size"], c["depth"]) for c in report["cells"]]
assert places == [(s, v, d) for s in ("memory", "socket", "tls") for v in (0, 1024) for d in (1, 16)]
for cell in report["cells"]:
    assert cell["batches"] == 1 and cell["responses"] == cell["depth"]
    assert cell["bytes"] == cell["depth"] * (24 + 4 + cell["value_size"])
    assert [w["writer"] for w in cell["writers"]] == ["flat", "batch", "legacy"]
    for writer in cell["writers"]:
        assert writer["cpu_p10"] <= writer["cpu"] <= writer["cpu_p90"]
        assert abs(writer["responses_per_second"] * writer["cpu"] / 1e9 - 1) < 1e-6
        assert (writer["writev"] is None) == (cell["sink"] == "memory")
        assert (writer["records"] is None) == (cell["sink"] != "tls")
        for column in ("ratio", "reservations", "allocations", "bytes", "chunks"):
            assert writer[column] >= 0
    assert cell["writers"][2]["ratio"] == 1
first, second = report["asserts"]
assert first == {"assert": "batch.tls.records<=legacy.tls.records", "holds": True, "broken": []}
assert not second["holds"]
assert second["broken"] == [{"value_size": v, "depth": 16, "left": 0.0625 * c, "right": 1.0}
                            for v, c in ((0, 1), (1024, 2))]
EOF

# Couchbase's frames, with framing extras and tokens: as many bytes as the server has sent.
expect 0 bench "${fast[@]}" --from "$corpus/couchbase/sdk.pcapng.gz" --sinks memory --json "$scratch/sdk"
expect 0 verify "$corpus/couchbase/sdk.pcapng.gz" --json "$scratch/verified"
python3 - "$scratch/sdk" "$scratch/verified" <<'EOF' || fail "the mix of Couchbase's frames"
import json, sys

mix, verified = (json.load(open(path)) for path in sys.argv[1:])
cell, = mix["cells"]
assert cell["responses"] == verified["totals"]["server_frames"] == 483
assert cell["bytes"] == verified["totals"]["ledger"]["server_frames"]
assert [w["writer"] for w in cell["writers"]][:1] == ["flat"] and len(cell["writers"]) >= 6
EOF

expect 0 bench "${fast[@]}" --from "$corpus/captures/mixed.pcap" --sinks memory --json "$scratch/mix"
contains "$out" "mix   mix  flat" "the table beside a JSON file"
python3 - "$scratch/mix" <<'EOF' || fail "the JSON report of a mix"
import json, sys

report = json.load(open(sys.argv[1]))
cell, = report["cells"]
assert cell["value_size"] is None and cell["depth"] is None
assert report["settings"]["capture"].endswith("mixed.pcap")
assert report["settings"]["batches_seen"] == cell["batches"]
EOF

# has FILE WANTED...: an SVG with these texts.
has() {
    local file=$1 wanted
    shift
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$file" ||
        fail "no XML: $file"
    for wanted in "$@"; do
        grep -qF "$wanted" "$file" || fail "the plot does not say '$wanted'"
    done
}

if command -v gnuplot >/dev/null; then
    expect 70 bench --writers legacy --sinks memory --sizes 16 --depths 1,2 --repeat 1 --time 1 \
        --plot /dev/full
    contains "$err" "/dev/full: can't be written: No space left on device" "a plot on a full disk"
    expect 0 bench "${fast[@]}" --sizes 0,1k,4k --depths 1,16 --plot "$scratch/plot.svg"
    equal "$err" "" "what gnuplot has to say"
    has "$scratch/plot.svg" 'CPU time per response, lower is better' 'CPU time, ns per response' \
        'value, bytes' 'memory, 1 response in a batch' 'tls, 16 responses in a batch' \
        '>flat<' '>batch<' '>reference<' '>1k<'
    cp "$corpus/captures/mixed.pcap" "$scratch/it's_50%.pcap"
    expect 0 bench "${fast[@]}" --from "$scratch/it's_50%.pcap" --plot "$scratch/mix.svg"
    equal "$err" "" "what gnuplot has to say of a mix"
    has "$scratch/mix.svg" '_50%.pcap' 'CPU time, ns per response' 'writer' '>legacy<' '>tls<'
fi

# All captures twice are more batches than are kept.
mkdir "$scratch/twice"
for capture in "$corpus"/captures/*.pcap*; do
    cp "$capture" "$scratch/twice/1-${capture##*/}"
    cp "$capture" "$scratch/twice/2-${capture##*/}"
done
expect 0 bench "${fast[@]}" --sinks memory --from "$scratch/twice"
contains "$out" "responses in 4096 batches, a sample of " "the mix of a folder"

expect 0 bench "${fast[@]}" --sinks memory --sizes 16 --depths 1 --heap trim --baseline flat
contains "$out" "/flat" "the baseline above its column"

finish
