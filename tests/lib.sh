# lib.sh: what the scripts share that look at a command as a user meets it; sourced first by each,
# with the words in `command` that stand before all arguments, as command=("$weir" lab).
#
#   $work               a folder that is removed at the end
#   status ARGUMENT...  runs the command; prints its exit status; output in $work/out, $work/err
#   check TEXT CMD...   one line of output, and what the command has said if CMD fails
#   wrong TEXT PATTERN ARGUMENT...  status 2 with one line on standard error that matches
#   finish              the end of each script

set -u

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/out" >"$work/err"
failed=0

check() {
	local text=$1
	shift
	if "$@"; then
		echo "ok: $text"
	else
		echo "FAIL: $text"
		sed 's/^/  out: /' "$work/out"
		sed 's/^/  err: /' "$work/err"
		failed=1
	fi
}

same() { [ "$1" = "$2" ]; }
matches() { [[ $2 =~ $1 ]]; }
has() { grep -qE "$1" "$work/out"; }
lines() { wc -l <"$work/$1"; }

status() {
	"${command[@]}" "$@" >"$work/out" 2>"$work/err"
	echo $?
}

wrong() {
	local text=$1 pattern=$2
	shift 2
	check "$text gives 2" same 2 "$(status "$@")"
	check "$text is said" matches "$pattern" "$(cat "$work/err")"
	check "$text takes one line" same 1 "$(lines err)"
	check "$text prints nothing else" same 0 "$(lines out)"
}

finish() {
	exit $failed
}
