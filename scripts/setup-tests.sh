#!/usr/bin/env bash
# Installs what the tests need beyond Go, and only what is missing: PostgreSQL's server programs, Node with npm, Chromium
# and curl (from Debian's packages), and the npm packages of the lock files.
#
#   setup-tests.sh                 everything
#   setup-tests.sh postgres npm    only these
#   SKIP_CHROMIUM=1                leave the browser out; its tests then skip themselves
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly all_parts="curl postgres node npm chromium"

# as_root runs a command as root: directly, or through a sudo that asks nothing.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif sudo -n true 2>/dev/null; then
		sudo -n "$@"
	else
		echo "setup: root or password-less sudo is needed to run: $*" >&2
		echo "setup: install it yourself, then run this again" >&2
		exit 1
	fi
}

# apt_install installs Debian packages, refreshing the package list once.
apt_install() {
	if ! command -v apt-get >/dev/null; then
		echo "setup: no apt-get here; install by hand: $*" >&2
		exit 1
	fi
	echo "setup: installing $*"
	if [ -z "${apt_updated:-}" ]; then
		as_root apt-get update -qq
		apt_updated=1
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

have_postgres() {
	command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

need_curl() {
	command -v curl >/dev/null || apt_install curl ca-certificates
}

need_postgres() {
	have_postgres || apt_install postgresql
}

need_node() {
	command -v node >/dev/null || apt_install nodejs
	command -v npm >/dev/null || apt_install npm
}

# need_npm installs exactly what the lock files name; no package may run a script while it is installed.
need_npm() {
	local dir installed
	for dir in e2e/js e2e/oidc; do
		installed=$dir/node_modules/.package-lock.json
		if [ -f "$installed" ] && [ ! "$dir/package-lock.json" -nt "$installed" ]; then
			continue
		fi
		need_node
		echo "setup: npm ci in $dir"
		(cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
		touch "$installed"
	done
}

need_chromium() {
	[ -n "${SKIP_CHROMIUM:-}" ] && return
	local name
	for name in chromium chromium-browser google-chrome headless-shell; do
		command -v "$name" >/dev/null && return
	done
	apt_install chromium
}

# One at a time on one machine: two runs at once would fight for apt's lock and for node_modules.
if command -v flock >/dev/null && [ -z "${SETUP_LOCKED:-}" ]; then
	mkdir -p .cache
	SETUP_LOCKED=1 exec flock .cache/setup.lock scripts/setup-tests.sh "$@"
fi

parts="${*:-$all_parts}"
for part in $parts; do
	case " $all_parts " in
	*" $part "*) "need_$part" ;;
	*)
		echo "setup: unknown part $part; one of: $all_parts" >&2
		exit 2
		;;
	esac
done
