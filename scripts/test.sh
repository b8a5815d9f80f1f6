#!/usr/bin/env bash
# Runs the checks in order, all of them even when one fails, and prints a verdict for each.
#
#   test.sh                  every step
#   test.sh format vet       only these
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly all_steps="format vet staticcheck unit e2e fuzz"
GO="${GO:-go}"

# format fails when gofmt would change a file, and names it.
step_format() {
	local wrong
	wrong="$(find . \( -name node_modules -o -name .git -o -name .cache \) -prune -o -name '*.go' -print0 | xargs -0 -r gofmt -l)" || return 1
	[ -z "$wrong" ] || {
		echo "gofmt would change:"
		echo "$wrong"
		return 1
	}
}

step_vet() { "$GO" vet ./...; }

step_staticcheck() { "$GO" tool staticcheck ./...; }

# go_test runs packages and prints one line per package with its number of tests, and the whole output of what failed.
go_test() {
	"$GO" test -json "$@" | "$GO" run scripts/testsum.go
}

step_unit() {
	# shellcheck disable=SC2046 # a list of packages
	go_test -timeout 8m $("$GO" list ./... | grep -v '/e2e$')
}

step_e2e() { go_test -timeout 8m ./e2e; }

step_fuzz() { FUZZTIME="${FUZZTIME:-5s}" scripts/fuzz.sh; }

steps="${*:-$all_steps}"
summary=""
failed=0
for step in $steps; do
	case " $all_steps " in
	*" $step "*) ;;
	*)
		echo "test.sh: unknown step $step; one of: $all_steps" >&2
		exit 2
		;;
	esac
	echo "== $step"
	began=$SECONDS
	if "step_$step"; then
		verdict=ok
	else
		verdict=FAILED
		failed=1
	fi
	summary+="$(printf '%-8s %-12s %4ds' "$verdict" "$step" "$((SECONDS - began))")"$'\n'
done

echo "== summary"
printf '%s' "$summary"
exit "$failed"
