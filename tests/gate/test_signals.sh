#!/usr/bin/env bash
# Signals sent to weir reach the program, once; those of the terminal are not sent twice; the
# program does not outlive weir.
. "$(dirname "$0")/lib.sh"
need python3
cp "$here/terminal.py" "$work/terminal.py"

# The program: says when it is ready, and each signal that it gets.
cat >"$work/catch.py" <<-'END'
	import os, signal, sys
	got = []
	for name in sys.argv[1:]:
	    signal.signal(getattr(signal, name), lambda s, f: os.write(1, b"got %d\n" % s))
	signal.signal(signal.SIGALRM, lambda s, f: sys.exit(5))
	print("ready", os.getpid(), os.getppid(), flush=True)
	while True:
	    signal.pause()
END
sed -i 's/^\t*    /    /' "$work/catch.py"

# start WHO SIGNAL...: $lines gets what the program prints; $weir_pid is weir's.
start() {
	local who=$1
	shift
	rm -f "$work/lines"
	mkfifo "$work/lines"
	as "$who" "$weir" run -- python3 "$work/catch.py" "$@" >"$work/lines" &
	job=$!
	exec 8<"$work/lines"
	read -r _ _ weir_pid <&8
}

next_line() {
	local line
	read -r line <&8
	echo "$line"
}

for who in $(each_user); do
	for name in HUP INT QUIT USR1 USR2 TERM WINCH CONT RTMIN; do
		start "$who" "SIG$name"
		kill -s $name "$weir_pid"
		check "$who: SIG$name reaches the program" \
			same "got $(kill -l $name)" "$(next_line)"
		# SIGALRM comes after anything that was sent before it to the same process.
		kill -s ALRM "$weir_pid"
		check "$who: SIG$name came once" same "" "$(next_line)"
		wait "$job"
		check "$who: the program's status after SIG$name" same 5 $?
	done
	start "$who"
	kill -s TERM "$weir_pid"
	wait "$job"
	check "$who: a program that TERM ends" same 143 $?

	# as runs setpriv, which becomes weir: the job's process is weir or its shell.
	start "$who"
	kill -s KILL "$weir_pid"
	# The end of its output: the program's descriptors are closed.
	check "$who: the program ends with weir" same "" "$(next_line)"
	wait "$job" 2>/dev/null
done
exec 8<&-

# --- On a terminal

on_tty() {
	as_user python3 "$work/terminal.py" "$@"
}
check "Ctrl-C ends the program and weir" same "status 130" \
	"$(on_tty 'see=ready,key=c,end' "$weir" run -- sh -c 'echo ready; exec tail -f /dev/null')"
check "Ctrl-\\ too" same "status 131" \
	"$(on_tty 'see=ready,key=\,end' "$weir" run -- \
		sh -c 'ulimit -c 0; echo ready; exec tail -f /dev/null')"
check "Ctrl-C comes once" same "status 5" "$(on_tty 'see=ready,key=c,see=got 2,end' \
	"$weir" run -- python3 -c '
import os, signal, sys
def got(s, f):
    os.write(1, b"got %d\n" % s)
    # Another would be there by now, or come before the alarm.
    signal.signal(signal.SIGINT, lambda s, f: os._exit(6))
    signal.alarm(1)
signal.signal(signal.SIGINT, got)
signal.signal(signal.SIGALRM, lambda s, f: os._exit(5))
print("ready", flush=True)
while True: signal.pause()')"
check "Ctrl-Z stops weir with the program, fg continues both" same "status 130" \
	"$(on_tty 'see=ready,key=z,stopped,fg,see=again,key=c,end' "$weir" run -- python3 -c '
import os, signal
signal.signal(signal.SIGCONT, lambda s, f: os.write(1, b"again\n"))
signal.signal(signal.SIGINT, signal.SIG_DFL)
print("ready", flush=True)
while True: signal.pause()')"
check "the program has the terminal" matches "^status 0" \
	"$(on_tty 'see=yes,end' "$weir" run -- \
		sh -c 'test -t 0 && test -t 1 && tty >/dev/null && echo yes')"
finish
