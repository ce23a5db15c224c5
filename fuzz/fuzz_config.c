/*
 * fuzz_config.c: settings by name, and the stack that is made of them.
 *
 * The input is lines of NAME=VALUE, as a command line would hand them on; names need not exist,
 * and values may be anything a 64-bit number holds. weir_config_set() must take exactly the values
 * within a row's range and change nothing else; what weir_config_check() finds good must have a
 * size, and a stack of that size, if it is small enough to be made here, must work: it listens,
 * opens a connection, gives out its SYN, and ends with nothing in use.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "stack/check.h"
#include "weir/info.h"

#define NAME_MAX_LEN 40u
#define STACK_MAX    (4u << 20) /* bytes */
#define PACKETS_MAX  64u
#define LINES_MAX    32u

/* A name up to '=', then a number up to a newline, as strtoull() reads it but without its signs.
 * false: the input has ended. */
static bool read_line(struct fuzz_input *in, char name[NAME_MAX_LEN + 1], uint64_t *value)
{
	size_t len = 0;
	uint8_t c = 0;

	if (!in->left)
		return false;
	while (in->left && (c = fuzz_u8(in)) != '=' && c != '\n') {
		if (len < NAME_MAX_LEN)
			name[len++] = (char)c;
	}
	name[len] = 0;
	*value = 0;
	while (in->left && c != '\n' && (c = fuzz_u8(in)) >= '0' && c <= '9')
		*value = *value * 10 + (c - '0');
	return true;
}

static const struct weir_config_row *row_named(const char *name, unsigned *at)
{
	const struct weir_config_row *row;

	for (*at = 0; (row = weir_config_row(*at)) != NULL; ++*at) {
		if (!strcmp(row->name, name))
			return row;
	}
	return NULL;
}

static void set_row(struct weir_config *cfg, const char *name, uint64_t value)
{
	unsigned at;
	const struct weir_config_row *row = row_named(name, &at);
	struct weir_config before = *cfg;
	int result = weir_config_set(cfg, name, value);

	if (!row) {
		fuzz_assert(result == -1 && !memcmp(&before, cfg, sizeof(before)));
		return;
	}
	if (value < row->min || value > row->max) {
		fuzz_assert(result == -2 && !memcmp(&before, cfg, sizeof(before)));
		return;
	}
	fuzz_assert(result == 0 && weir_config_get(cfg, at) == value);
	for (unsigned i = 0; weir_config_row(i); i++)
		fuzz_assert(i == at || weir_config_get(cfg, i) == weir_config_get(&before, i));
}

static void drain(struct weir_stack *s, weir_time now)
{
	struct weir_packet p;
	struct weir_event ev;
	unsigned packets = 0;

	while (weir_output(s, &p, now)) {
		fuzz_assert(p.total_len >= p.head_len && p.head_len <= WEIR_HEAD_MAX);
		fuzz_assert(++packets < PACKETS_MAX);
	}
	while (weir_event_next(s, &ev))
		;
	fuzz_assert(!weir_stack_check(s));
}

static void check_stack(const struct weir_config *cfg, size_t bytes)
{
	struct weir_addr own = {4, {10, 0, 0, 1}};
	struct weir_listen_args listen = {.local = {.port = 80}};
	struct weir_connect_args args = {.remote = {{4, {10, 0, 0, 2}}, 80}};
	void *mem = aligned_alloc(64, (bytes + 63) / 64 * 64);
	struct weir_stack *s;
	struct weir_usage usage;
	weir_listener l;
	weir_conn c;

	fuzz_assert(mem && weir_stack_init(&s, mem, bytes, cfg, 1) == WEIR_OK);
	fuzz_assert(weir_addr_add(s, &own, 24) == WEIR_OK);
	fuzz_assert(weir_listen(s, &listen, &l) == WEIR_OK);
	fuzz_assert(weir_connect(s, &args, 1, &c) == WEIR_OK);
	drain(s, 1);
	fuzz_assert(weir_counter_get(s, WEIR_CTR_FRAMES_OUT) > 0);
	fuzz_assert(weir_abort(s, c, 2) == WEIR_OK);
	fuzz_assert(weir_listener_close(s, l) == WEIR_OK);
	drain(s, 2);
	weir_stack_usage(s, &usage);
	fuzz_assert(!usage.conns && !usage.listeners && !usage.pages && !usage.ranges);
	free(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	const struct weir_config_row *wrong;
	struct weir_config cfg;
	char name[NAME_MAX_LEN + 1];
	uint64_t value;
	size_t bytes;

	memset(&cfg, 0, sizeof(cfg));
	weir_config_default(&cfg);
	cfg.pages_max = cfg.replies_max = 16; /* a small stack to begin with */
	cfg.conns_max = cfg.halfs_max = cfg.timewaits_max = 16;
	cfg.ranges_max = cfg.half_source_max = 16;
	for (unsigned i = 0; i < LINES_MAX && read_line(&in, name, &value); i++)
		set_row(&cfg, name, value);
	wrong = weir_config_check(&cfg);
	bytes = weir_stack_bytes(&cfg);
	fuzz_assert(!wrong == !!bytes);
	if (bytes && bytes <= STACK_MAX)
		check_stack(&cfg, bytes);
	return 0;
}
