/*
 * trace_text.c: what every line of a ladder must keep to, for fuzz_trace.c.
 */
#include "trace_world.h"

/* The length of a colour sequence, ESC [ digits ; digits m; 0: it is none. */
static size_t colour_len(const char *at, size_t left)
{
	size_t n = 2;

	if (left < 3 || at[0] != '\033' || at[1] != '[')
		return 0;
	while (n < left && ((at[n] >= '0' && at[n] <= '9') || at[n] == ';'))
		n++;
	return n < left && at[n] == 'm' ? n + 1 : 0;
}

size_t trace_utf8_len(const unsigned char *at, size_t left)
{
	size_t n = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

	if (n > left || (at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (at[i] >> 6 != 2)
			return 0;
	}
	return n;
}

static void check_line(const char *at, size_t left, enum weir_charset charset,
		       enum weir_colour colour, unsigned width)
{
	unsigned cols = 0;

	while (left) {
		size_t n = colour == WEIR_COLOUR_ALWAYS ? colour_len(at, left) : 0;

		if (!n) {
			unsigned char c = (unsigned char)*at;

			fuzz_assert(c >= ' ' && c != 0x7f);
			fuzz_assert(c < 0x80 || charset == WEIR_CHARSET_UTF8);
			n = trace_utf8_len((const unsigned char *)at, left);
			fuzz_assert(n > 0);
			cols++;
		}
		at += n;
		left -= n;
	}
	fuzz_assert(cols <= width);
}

void trace_check_text(const char *text, size_t len, enum weir_charset charset,
		      enum weir_colour colour, unsigned width)
{
	while (len) {
		const char *end = memchr(text, '\n', len);

		fuzz_assert(end); /* the last line is whole */
		check_line(text, (size_t)(end - text), charset, colour, width);
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
}
