#!/usr/bin/env bash
# run.sh [SECONDS [AT_ONCE [TARGET...]]]: fuzzes each target for so many seconds (600), some at a time (as many as the
# machine has processors), and prints what it came to.
# Needs a nightly Rust and cargo-fuzz (cargo install cargo-fuzz). What was found lies in fuzz/artifacts.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
seconds=${1:-600}
at_once=${2:-$(nproc)}
shift $(($# < 2 ? $# : 2))
targets=("$@")
[ $# -gt 0 ] || targets=(request reply answers times key settings entry bearers paths trust jwt claims)

cargo +nightly fuzz build --fuzz-dir . --sanitizer none
mkdir -p logs

# A message of the target's own goes nowhere, one of libFuzzer's to the log. More memory than this is a finding.
fuzz() {
    mkdir -p "corpus/$1"
    cargo +nightly fuzz run --fuzz-dir . --sanitizer none "$1" "corpus/$1" "seeds/$1" -- \
        -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=512 -malloc_limit_mb=64 -timeout=5 \
        -close_fd_mask=3 -print_final_stats=1 >"logs/$1" 2>&1
}

running=0
for target in "${targets[@]}"; do
    if [ "$running" -ge "$at_once" ]; then
        wait -n || true
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
wait || true

failed=0
printf '%-10s %12s %10s %8s  %s\n' target executions coverage corpus findings
for target in "${targets[@]}"; do
    found=$({ find "artifacts/$target" -type f 2>/dev/null || true; } | wc -l)
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "logs/$target")
    last=$(grep -E '^#[0-9]+.* cov: ' "logs/$target" | tail -n 1 || true)
    cov=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' <<<"$last")
    corpus=$(sed -n 's/.* corp: \([0-9]*\).*/\1/p' <<<"$last")
    printf '%-10s %12s %10s %8s  %s\n' "$target" "${executions:--}" "${cov:--}" "${corpus:--}" "$found"
    [ "$found" -eq 0 ] || failed=1
done
exit "$failed"
