#!/usr/bin/env bash
# What `make install` leaves can be used: by pkg-config and by CMake, static and shared; each header
# stands alone, in C++ too where a C++ compiler is there; nothing but weir_* is visible; the man
# pages have no mistake that man reports.
set -euo pipefail
here=$PWD/tests/package
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$WEIR_BUILD_DIR" --prefix "$work/usr" >/dev/null
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$work/usr" -name weir.pc)")
libdir=$(pkg-config --variable=libdir weir)

expect_syn() {
	local out
	out=$("$@")
	if [ "$out" != SYN ]; then
		echo "$*: printed '$out'" >&2
		exit 1
	fi
}

flags=(-std=c11 -Wall -Wextra -Werror)
read -ra uses < <(pkg-config --cflags --libs weir)
cc "${flags[@]}" "$here/use.c" "${uses[@]}" -o "$work/shared"
expect_syn env LD_LIBRARY_PATH="$libdir" "$work/shared"
read -ra includes < <(pkg-config --cflags weir)
cc "${flags[@]}" "${includes[@]}" "$here/use.c" "$libdir/libweir.a" -o "$work/static"
expect_syn "$work/static"

cp "$here/use.cmake" "$work/CMakeLists.txt"
cmake -S "$work" -B "$work/build" -DUSE_SOURCE="$here/use.c" -DCMAKE_PREFIX_PATH="$work/usr" \
	>/dev/null
cmake --build "$work/build" >/dev/null
expect_syn "$work/build/use_static"
expect_syn "$work/build/use_shared"

# The functions must be C functions to C++ too.
if command -v c++ >/dev/null; then
	cat >"$work/use.cc" <<'END'
#include <weir/info.h>
#include <weir/loop.h>
#include <weir/sink.h>
int main()
{
	weir_config cfg;
	weir_config_default(&cfg);
	weir_random_keys(&cfg);
	weir_link_close(nullptr);
	weir_ladder_free(nullptr);
	return 0;
}
END
	c++ -Wall -Wextra -Werror "${includes[@]}" "$work/use.cc" "$libdir/libweir.a" -o "$work/cc"
fi

for header in "$work"/usr/include/weir/*.h; do
	echo "#include <weir/$(basename "$header")>" >"$work/alone.c"
	cc "${flags[@]}" -pedantic "${includes[@]}" -fsyntax-only "$work/alone.c"
	if command -v c++ >/dev/null; then
		c++ -Wall -Wextra -Werror "${includes[@]}" -fsyntax-only -x c++ "$work/alone.c"
	fi
done

if nm -D --defined-only "$libdir/libweir.so" | awk '{ print $3 }' | grep -v '^weir_'; then
	echo "libweir.so shows names that are not weir's" >&2
	exit 1
fi
if nm -g --defined-only "$libdir/libweir.a" 2>/dev/null | awk 'NF == 3 { print $3 }' |
	grep -v '^weir_'; then
	echo "libweir.a shows names that are not weir's" >&2
	exit 1
fi

expect_page() {
	local page=$work/usr/share/man/$1
	[ -s "$page" ] || { echo "no manual page $1" >&2; exit 1; }
	if command -v man >/dev/null; then
		man -l --warnings -E UTF-8 "$page" 2>&1 >/dev/null | tee "$work/warn"
		[ ! -s "$work/warn" ]
	fi
}
expect_page man1/weir.1
expect_page man1/weir-ss.1
expect_page man1/weir-storm.1
expect_page man3/libweir.3
expect_page man7/weir-tables.7
