#include "sink/textline.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define WIDTH_DEFAULT 100u
/* Below this, states and time leave too little of a line for the segment. */
#define WIDTH_MIN 72u
#define WIDTH_MAX 400u
/* Three years: what is longer is shown as this. */
#define STAMP_SECONDS_MAX 99999999u
/* Bytes in parentheses that are kept together. */
#define TEXTLINE_WORD_MAX 40u

static const struct textstyle utf8_style = {
	.dash = "─",
	.twin = "═",
	.dots = "·",
	.right = "▶",
	.left = "◀",
	.lost = "✗",
	.both = "⇄",
	.to = "→",
	.note = "└─ ",
	.times = "×",
};

static const struct textstyle ascii_style = {
	.dash = "-",
	.twin = "=",
	.dots = ".",
	.right = ">",
	.left = "<",
	.lost = "X",
	.both = "<>",
	.to = "->",
	.note = "`- ",
	.times = "x",
};

void textstyle_init(struct textstyle *st, enum weir_charset charset, enum weir_colour colour,
		    unsigned width)
{
	*st = charset == WEIR_CHARSET_UTF8 ? utf8_style : ascii_style;
	st->colour = colour;
	st->width = width ? width : WIDTH_DEFAULT;
	if (st->width < WIDTH_MIN)
		st->width = WIDTH_MIN;
	if (st->width > WIDTH_MAX)
		st->width = WIDTH_MAX;
}

unsigned text_columns(const char *s)
{
	unsigned cols = 0;

	for (; *s; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			cols++;
	return cols;
}

void textline_start(struct textline *l)
{
	l->len = 0;
	l->cols = 0;
	l->bytes[0] = '\0';
}

/* Adds bytes that take no column. */
static void add_bytes(struct textline *l, const char *s)
{
	size_t n = strlen(s);

	if (l->len + n >= sizeof(l->bytes))
		return;
	memcpy(l->bytes + l->len, s, n + 1);
	l->len += n;
}

void textline_add(struct textline *l, const char *s)
{
	size_t before = l->len;

	add_bytes(l, s);
	l->cols += text_columns(l->bytes + before);
}

void textline_addf(struct textline *l, const char *fmt, ...)
{
	char piece[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(piece, sizeof(piece), fmt, ap);
	va_end(ap);
	textline_add(l, piece);
}

void textline_fill(struct textline *l, const char *unit, unsigned cols)
{
	while (l->cols < cols) {
		size_t before = l->len;

		textline_add(l, unit);
		if (l->len == before)
			return;
	}
}

void textline_colour(struct textline *l, const struct textstyle *st, enum textcolour c)
{
	static const char *const code[] = {
		[TEXT_PLAIN] = "\033[0m",   [TEXT_BOLD] = "\033[1m",    [TEXT_DIM] = "\033[2m",
		[TEXT_RED] = "\033[31m",    [TEXT_YELLOW] = "\033[33m", [TEXT_GREEN] = "\033[32m",
		[TEXT_CYAN] = "\033[1;36m",
	};

	if (st->colour == WEIR_COLOUR_ALWAYS)
		add_bytes(l, code[c]);
}

void textline_print(const struct textline *l, FILE *out)
{
	size_t n = l->len;

	while (n > 0 && l->bytes[n - 1] == ' ')
		n--;
	fwrite(l->bytes, 1, n, out);
	fputc('\n', out);
}

/* Bytes of the first word of `text`, with those that belong to it. */
static size_t word_bytes(const char *text)
{
	size_t n = strcspn(text, " ");
	const char *close = text[0] == '(' ? strchr(text, ')') : NULL;

	if (close && (size_t)(close - text) < TEXTLINE_WORD_MAX)
		return (size_t)(close - text) + strcspn(close, " ");
	if (text[n] == ' ' && strspn(text, "0123456789.,") == n) {
		size_t unit = strcspn(text + n + 1, " ;,.");

		if ((unit == 1 && text[n + 1] == 's') || strncmp(text + n, " ms", unit + 1) == 0)
			return n + 1 + strcspn(text + n + 1, " ");
	}
	return n;
}

void textline_wrap(FILE *out, const struct textstyle *st, const char *first, unsigned indent,
		   enum textcolour c, const char *text)
{
	struct textline l;
	bool fresh = true;

	textline_start(&l);
	textline_add(&l, first);
	textline_colour(&l, st, c);
	while (*text) {
		size_t n = word_bytes(text);
		char word[TEXTLINE_BYTES];

		snprintf(word, sizeof(word), "%.*s", (int)n, text);
		if (!fresh && l.cols + 1 + text_columns(word) > st->width) {
			textline_colour(&l, st, TEXT_PLAIN);
			textline_print(&l, out);
			textline_start(&l);
			textline_fill(&l, " ", indent);
			textline_colour(&l, st, c);
			fresh = true;
		}
		if (!fresh)
			textline_add(&l, " ");
		/* Only plain ASCII (an address, a name) can be this long. */
		if (l.cols + text_columns(word) > st->width)
			word[st->width - l.cols] = '\0';
		textline_add(&l, word);
		fresh = false;
		text += n + strspn(text + n, " ");
	}
	textline_colour(&l, st, TEXT_PLAIN);
	textline_print(&l, out);
}

const char *text_count(char buf[TEXT_NUMBER_BYTES], uint64_t n)
{
	char plain[TEXT_NUMBER_BYTES];
	int digits = snprintf(plain, sizeof(plain), "%" PRIu64, n);
	char *to = buf;

	for (int i = 0; i < digits; i++) {
		if (i > 0 && (digits - i) % 3 == 0)
			*to++ = ',';
		*to++ = plain[i];
	}
	*to = '\0';
	return buf;
}

/* Seconds with `decimals` digits, cut, not rounded. */
static void put_seconds(char *buf, uint64_t us, int decimals)
{
	uint64_t fraction = us % 1000000;

	for (int i = decimals; i < 6; i++)
		fraction /= 10;
	snprintf(buf, TEXT_NUMBER_BYTES, "%" PRIu64 ".%0*" PRIu64 " s", us / 1000000, decimals,
		 fraction);
}

const char *text_time(char buf[TEXT_NUMBER_BYTES], uint64_t ns)
{
	uint64_t us = ns / 1000;

	if (us >= 1000000)
		put_seconds(buf, us, 3);
	else
		snprintf(buf, TEXT_NUMBER_BYTES, "%" PRIu64 ".%03" PRIu64 " ms", us / 1000,
			 us % 1000);
	return buf;
}

const char *text_stamp(char buf[TEXT_NUMBER_BYTES], uint64_t ns)
{
	uint64_t us = ns / 1000, most = 100 * 1000000ull;
	int decimals = 5;

	if (us < 1000000)
		return text_time(buf, ns);
	for (; us >= most && decimals > 0; most *= 10)
		decimals--;
	if (decimals > 0)
		put_seconds(buf, us, decimals);
	else
		snprintf(buf, TEXT_NUMBER_BYTES, "%" PRIu64 " s",
			 us / 1000000 < STAMP_SECONDS_MAX ? us / 1000000 : STAMP_SECONDS_MAX);
	return buf;
}

void text_copy_name(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	for (; src && *src && n + 1 < size; src++) {
		unsigned char c = (unsigned char)*src;

		dst[n++] = c > 0x20 && c < 0x7f ? (char)c : '?';
	}
	dst[n] = '\0';
}
