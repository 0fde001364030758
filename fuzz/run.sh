#!/bin/sh
# Runs the fuzz targets for so many seconds each: fuzz/run.sh 60 [target...]
set -eu
cd "$(dirname "$0")"
seconds=${1:?seconds for each target}
shift
# The sanitizer flags are unstable; this lets the stable compiler take them.
export RUSTC_BOOTSTRAP=1
[ $# -gt 0 ] || set -- $(cargo fuzz list --fuzz-dir .)
for target; do
    # Without seeds a run begins with nothing that the parser takes.
    [ -n "$(ls "seeds/$target")" ] || { echo "seeds/$target is empty" >&2; exit 1; }
    mkdir -p "corpus/$target"
    cargo fuzz run --fuzz-dir . "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=5000 -print_final_stats=1
done
