#!/usr/bin/env bash
# Installs from Debian or Ubuntu what a task needs and the machine does not have, after saying what
# and why. With everything there it does and prints nothing.
#
#   tools/setup.sh build|demo|test|fuzz|bench
set -euo pipefail

usage() {
	echo "usage: tools/setup.sh build|demo|test|fuzz|bench" >&2
	exit 2
}

# Rows of "package|what it is for". A package written a/b is satisfied by either; a is installed.
rows_build='gcc|compiles C11
make|runs the Makefile
cmake|describes the build
pkg-config/pkgconf|finds libraries
libc6-dev|headers of the C library
libmicrohttpd-dev|HTTP of the built-in origin, weir.test
libssl-dev|SHA-256 of the built-in origin
libjansson-dev|JSON of the commands that print figures'
rows_demo="$rows_build
curl|the unmodified program of the demonstration
ca-certificates|curl's certificates"
rows_test="$rows_build
curl|the client of the gateway's tests
libcmocka-dev|unit tests
clang|compiles the part of weir serve --shield that runs in the kernel
libbpf-dev|loads it
linux-libc-dev|what the kernel calls its parts
libsodium-dev|the reference that the engine's hash is tested against
python3|tools/tidy.py and peers in the interoperation tests
binutils|objdump, for tools/tidy.py
iproute2|devices and namespaces of the interoperation tests
util-linux|unshare and setpriv: tests as an ordinary user
procps|ps and pgrep: nothing may be left behind
busybox-static|a static binary to run inside
nginx-light/nginx/nginx-core/nginx-full|a host server to fetch from
tshark|reads the traces that weir writes
nmap|probes what can be told from outside"
rows_fuzz="$rows_build
clang|libFuzzer and its sanitizers
llvm|names in sanitizer reports
libclang-rt-14-dev/libclang-rt-18-dev|libFuzzer's run-time library"
rows_bench="$rows_build
iperf3|throughput
passt|compared with
slirp4netns|compared with
clang|compiles the part of weir serve --shield that runs in the kernel
libbpf-dev|loads it
linux-libc-dev|what the kernel calls its parts
liblwip-dev|lwIP, compared with under a SYN flood
hping3|a SYN flood
valgrind|counts instructions
iproute2|devices and namespaces
util-linux|unshare
procps|ps
python3|reads results
curl|transfers
nginx-light/nginx/nginx-core/nginx-full|a host server to fetch from"

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

# Fills missing_names and missing_lines from the rows of task $1.
find_missing() {
	local rows="rows_$1" name purpose choice found
	missing_names=()
	missing_lines=()
	while IFS='|' read -r name purpose; do
		found=no
		for choice in ${name//\// }; do
			if is_installed "$choice"; then
				found=yes
			fi
		done
		if [ $found = no ]; then
			missing_names+=("${name%%/*}")
			missing_lines+=("$(printf '  %-20s %s' "${name%%/*}" "$purpose")")
		fi
	done <<<"${!rows}"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "setup: need root: run as root, or install these packages yourself" >&2
		exit 1
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get \
		-o DPkg::Lock::Timeout=300 -qq install -y --no-install-recommends "$@" >"$log" 2>&1
}

# A package with a server in it (nginx) would start that server and enable it at boot. A test must
# not do that to a machine: while we install, a policy-rc.d refuses to start services, and the unit
# is disabled afterwards. A policy-rc.d that is there already is the owner's, and is left alone.
policy=/usr/sbin/policy-rc.d

quiet_services_begin() {
	policy_made=no
	if [[ " $* " == *" nginx-light "* ]] && [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
		policy_made=yes
	fi
}

quiet_services_end() {
	if [ "$policy_made" = yes ]; then
		as_root rm -f $policy
		policy_made=no
		if command -v systemctl >/dev/null; then
			as_root systemctl disable nginx >/dev/null 2>&1 || true
		fi
	fi
}

main() {
	[ $# = 1 ] || usage
	case $1 in
	build | demo | test | fuzz | bench) ;;
	*) usage ;;
	esac
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "setup: this is not Debian or Ubuntu: install the packages that" \
			"tools/setup.sh lists yourself" >&2
		exit 0
	fi
	find_missing "$1"
	[ ${#missing_names[@]} -gt 0 ] || exit 0
	echo "setup: installing with apt-get what 'make $1' needs:"
	printf '%s\n' "${missing_lines[@]}"
	log=$(mktemp)
	policy_made=no
	trap 'quiet_services_end; rm -f "$log"' EXIT
	quiet_services_begin "${missing_names[@]}"
	# The package lists may be absent (a fresh container) or old: update only then.
	if ! apt_install "${missing_names[@]}"; then
		as_root apt-get -o DPkg::Lock::Timeout=300 -qq update || true
		if ! apt_install "${missing_names[@]}"; then
			cat "$log" >&2
			echo "setup: apt-get could not install: ${missing_names[*]}" >&2
			exit 1
		fi
	fi
	echo "setup: done"
}

main "$@"
