#!/usr/bin/env bash
# Fuzzes every target of the module, each for FUZZTIME (default 10s). Seeds and found inputs live in testdata/fuzz beside the tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
GO="${GO:-go}"
FUZZTIME="${FUZZTIME:-10s}"

# The packages that hold a target, found in the sources: listing through `go test -list` would build every test of the module.
packages="$(grep -rlE --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' . | xargs -r -n1 dirname | sort -u || true)"
[ -n "$packages" ] || {
	echo "fuzz: no targets"
	exit 0
}

failed=0
for package in $packages; do
	targets="$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //' | sort -u)"
	for target in $targets; do
		echo "fuzz: $package $target for $FUZZTIME"
		"$GO" test -run '^$' -fuzz "^${target}\$" -fuzztime "$FUZZTIME" "$package" || failed=1
	done
done
exit "$failed"
