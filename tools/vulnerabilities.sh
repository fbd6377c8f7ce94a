#!/usr/bin/env bash
# Looks for known vulnerabilities in what Backstop is built of. Fails if there are any, and with 3 if a database cannot be reached:
# then nothing is known. A check that passed in silence would be worse than none.
set -uo pipefail
cd "$(dirname "$0")/.."
found=0 unknown=0

# judge NAME STATUS LOG TELLTALE: a failure whose log has TELLTALE means that the database was not reached.
judge() {
  if [ "$2" -eq 0 ]; then
    echo "$1: none known"
  elif grep -q "$4" "$3"; then
    echo "$1: NOT CHECKED, the database cannot be reached:"
    grep "$4" "$3" | head -3
    unknown=1
  else
    cat "$3"
    found=1
  fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for module in . cmd/bench cmd/devstack; do
  (cd "$module" && "$OLDPWD/bin/govulncheck" ./...) >"$log" 2>&1
  judge "govulncheck $module" $? "$log" 'fetching vulnerabilities'
done
if command -v npm >/dev/null; then
  npm --prefix console audit >"$log" 2>&1
  judge 'npm audit console' $? "$log" 'audit endpoint returned an error\|ENOTFOUND\|ECONNREFUSED'
else
  echo 'npm audit console: NOT CHECKED, npm is missing'
  unknown=1
fi
[ "$found" -eq 0 ] || exit 1
[ "$unknown" -eq 0 ] || exit 3
