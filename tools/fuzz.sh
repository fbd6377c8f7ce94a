#!/usr/bin/env bash
# Runs every fuzz target of the module for a time each, two at once for each core: tools/fuzz.sh 30s [PATTERN]
#
# Up to Go 1.26 a target that finds nothing may end with "context deadline exceeded": the end of the time races with the workers
# (go.dev/issue/75804, mended in Go 1.27). Only that line, without a failing input, counts as an end without a finding.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:?the time of each target, like 30s} pattern=${2:-^Fuzz}

fuzz() {
  local package=$1 target=$2 log status=0
  log=$(mktemp)
  go test -run '^$' -fuzz "^$target\$" -fuzztime "$3" -parallel 1 "$package" >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ] && grep -q '^ *context deadline exceeded$' "$log" && ! grep -q 'Failing input\|panic\|Error' "$log"; then
    status=0
  fi
  if [ "$status" -eq 0 ]; then
    printf '%s %s: %s\n' "$package" "$target" "$(grep -o 'execs: [0-9]*' "$log" | tail -1)"
  else
    cat "$log"
  fi
  rm -f "$log"
  return "$status"
}
export -f fuzz

# A package without a match prints nothing but its own line.
targets=$(go test -list "$pattern" ./... | awk '/^Fuzz/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
[ -n "$targets" ] || { echo "no fuzz target matches $pattern"; exit 1; }
xargs -P $((2 * $(nproc))) -L 1 bash -c 'fuzz "$0" "$1" '"$time" <<<"$targets"
