#!/usr/bin/env bash
# Transfers: the origin and a server on the host, up and down, both families, dynamic and static
# programs, small and large MTU; every one checked by digest.
. "$(dirname "$0")/lib.sh"
need curl sha256sum

# A sanitizer's build carries less.
size=100000000
[ "${WEIR_BUILD_KIND:-release}" = release ] || size=10000000

digest() {
	sha256sum | cut -d ' ' -f 1
}

head -c $size /dev/urandom >"$work/data"
chmod 644 "$work/data"
want=$(digest <"$work/data")
run=(timeout 300 "$weir" run)

# fetch_bytes WHO N [OPTION...]: the digest that was announced and that of what came
fetch_bytes() {
	local who=$1 n=$2
	shift 2
	as "$who" "${run[@]}" "$@" -- curl -sS -D "$work/tmp/head" "http://weir.test/bytes/$n" |
		digest >"$work/got"
	sed -n 's/\r$//; s/^X-Content-SHA256: //p' "$work/tmp/head" >"$work/announced"
	rm -f "$work/tmp/head"
	[ -s "$work/announced" ] && cmp "$work/announced" "$work/got"
}

for who in $(each_user); do
	check "$who: a page" matches "<h1>weir.test</h1>" \
		"$(as "$who" "${run[@]}" -- curl -sS http://weir.test/)"
	for n in 0 1 1447 65461 1000000 $size; do
		check "$who: /bytes/$n" fetch_bytes "$who" $n
	done
	check "$who: /bytes at MTU 1280" fetch_bytes "$who" 10000000 --mtu 1280
	check "$who: /bytes at MTU 1500" fetch_bytes "$who" 10000000 --mtu 1500
	check "$who: POST of $size bytes" same "{\"bytes\": $size, \"sha256\": \"$want\"}" \
		"$(as "$who" "${run[@]}" -- curl -sS --data-binary "@$work/data" \
			http://weir.test/sink)"
	check "$who: PUT at MTU 1500" same "{\"bytes\": $size, \"sha256\": \"$want\"}" \
		"$(as "$who" "${run[@]}" --mtu 1500 -- curl -sS -T "$work/data" \
			http://weir.test/sink)"
	check "$who: /echo" same "$(head -c 1000000 "$work/data" | digest)" \
		"$(head -c 1000000 "$work/data" | as "$who" "${run[@]}" -- curl -sS \
			--data-binary @- http://weir.test/echo | digest)"
	check "$who: by IPv4" matches h1 \
		"$(as "$who" "${run[@]}" -- curl -sS4 http://weir.test/)"
	check "$who: by IPv6" matches h1 \
		"$(as "$who" "${run[@]}" -- curl -sS6 http://weir.test/)"
	check "$who: other addresses inside" matches h1 "$(as "$who" "${run[@]}" \
		--ip 172.31.9.9/20 --ip6 fd12:3456::9/96 -- \
		curl -sS4 http://weir.test/ http://172.31.0.3/)"
	check "$who: two requests on one connection" same 2 "$(as "$who" "${run[@]}" -- curl -sS \
		http://weir.test/ http://weir.test/ | grep -c '<h1>')"
	check "$who: 20 connections at one time" same 2000000 "$(as "$who" "${run[@]}" -- \
		curl -sS -Z --parallel-max 20 'http://weir.test/bytes/100000?[1-20]' \
		2>/dev/null | wc -c)"
done

# --- A static program

if busybox=$(command -v busybox) && ! ldd "$busybox" >/dev/null 2>&1; then
	for who in $(each_user); do
		check "$who: a static program" same 1000000 "$(as "$who" "${run[@]}" -- \
			"$busybox" wget -q -O - http://weir.test/bytes/1000000 | wc -c)"
	done
else
	echo "# no static busybox: not run with a static program"
fi

# --- A server on the host

serve_nginx() {
	mkdir "$work/nginx"
	cat >"$work/nginx/conf" <<-END
		daemon off;
		pid $work/nginx/pid;
		error_log $work/nginx/error.log;
		worker_processes 1;
		events { worker_connections 1024; }
		http {
			access_log off;
			client_body_temp_path $work/nginx/t1;
			proxy_temp_path $work/nginx/t2;
			fastcgi_temp_path $work/nginx/t3;
			uwsgi_temp_path $work/nginx/t4;
			scgi_temp_path $work/nginx/t5;
			sendfile on;
			server {
				listen 192.0.2.1:8080;
				listen [2001:db8::1]:8080;
				root $work;
			}
		}
	END
	nginx -c "$work/nginx/conf" 2>/dev/null &
	pids+=($!)
	curl -sS --retry 50 --retry-connrefused --retry-delay 0 -o /dev/null \
		http://192.0.2.1:8080/data -r 0-0 2>/dev/null
}

if command -v nginx >/dev/null && serve_nginx; then
	for who in $(each_user); do
		for host in 192.0.2.1 '[2001:db8::1]'; do
			check "$who: $size bytes from nginx at $host" same "$want" \
				"$(as "$who" "${run[@]}" -- curl -sS "http://$host:8080/data" |
					digest)"
		done
	done
	check "a dead destination harms no other" same "$want 28" "$(as_user "${run[@]}" -- sh -c '
		curl -sS --connect-timeout 2 http://198.51.100.9/ 2>/dev/null &
		dead=$!
		curl -sS http://192.0.2.1:8080/data | sha256sum | cut -c 1-64 | tr "\n" " "
		wait $dead
		echo $?')"
	check "a closed port is refused meanwhile" same 7 "$(as_user "${run[@]}" -- sh -c '
		curl -sS --connect-timeout 5 http://198.51.100.9/ 2>/dev/null &
		curl -sS http://192.0.2.1:9/ 2>/dev/null
		echo $?; kill $!')"
else
	echo "# no nginx: not run against it"
fi

# --- What the program sent last is not lost when it ends

if command -v python3 >/dev/null; then
	cp "$here/peer.py" "$work/peer.py"
	start_server "$work/ports" python3 "$work/peer.py" serve 192.0.2.1
	port=$(tr ' ' '\n' <"$work/ports" | sed -n 's/^count=//p')
	for n in 1 3000000 $size; do
		check "$n bytes sent, then exit at once: status" same 3 \
			"$(status "${run[@]}" -- python3 "$work/peer.py" last 192.0.2.1 "$port" $n)"
		check "$n bytes sent, then exit at once: all arrived" \
			same same "$(python3 "$work/peer.py" told 192.0.2.1 "$port" $n)"
	done
fi
finish
