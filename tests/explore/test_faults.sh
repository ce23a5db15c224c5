#!/usr/bin/env bash
# Can the explorer fail? Faults are planted in its network, in its judge and in its bounds, and each
# must be found out for the right reason.
#
#   tests/explore/test_faults.sh WEIR_EXPLORE
set -euo pipefail
explore=$1
status=0

# must EXIT PATTERN OPTION...
must() {
	local want=$1 pattern=$2 out code=0
	shift 2
	out=$("$explore" "$@" 2>&1) || code=$?
	if [ $code -eq "$want" ] && grep -q -- "$pattern" <<<"$out"; then
		echo "ok   $*"
	else
		echo "FAIL $*: exit status $code, expected $want and \"$pattern\" in"
		echo "$out"
		status=1
	fi
}

small=drops=0,dups=0,delays=0
must 1 'VIOLATED bytes' --scenario close --bound $small --tamper payload
must 1 'VIOLATED clean' --scenario close --bound $small --tamper swallow
must 1 'VIOLATED ghost' --scenario handshake --bound $small --tamper guess
must 1 'VIOLATED ghost' --scenario handshake --bound $small --tamper oracle
# A counterexample that must be there, and cannot be when nothing is lost, repeated or delayed.
must 1 'NOT FOUND' --scenario no-time-wait-fin --bound $small
must 1 'NOT FOUND' --scenario two-handshakes-delayed --bound $small
# A bound that does not suffice is not a proof.
must 1 'BOUND REACHED' --scenario close --bound $small,states=50
must 1 'BOUND REACHED' --scenario close --bound $small,depth=3
# And without a fault the same runs are good.
must 0 'holds' --scenario close --bound $small
must 0 '"ok": true' --scenario close --bound $small --json
must 2 'no such scenario' --scenario nonesuch
must 2 'drops=N' --bound drops
must 2 'payload' --tamper nonesuch
must 0 'must be found: ghost' --list
exit $status
