#!/usr/bin/env bash
# Runs every fuzz function of the repository for a time each (default 1m) and
# stops at the first crash. The input that crashed is left in the testdata/fuzz
# of its package; commit it with the fix. A second argument picks packages:
#   test/fuzz.sh 30s dicomweb
set -euo pipefail
cd "$(dirname "$0")/.."
each=${1:-1m}
only=${2:-.}

mapfile -t found < <(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' "$only" | sort -u)
[ "${#found[@]}" -gt 0 ] || { echo "no fuzz function in $only" >&2; exit 2; }
n=0
for line in "${found[@]}"; do
  folder=$(dirname "${line%%:*}")
  name=${line##*func }
  n=$((n + 1))
  echo "== $n/${#found[@]} ${folder#./} $name, $each"
  go test "./${folder#./}" -run '^$' -fuzz "^${name}\$" -fuzztime "$each"
done
echo "$n fuzz functions, $each each: no crash"
