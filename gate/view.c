/*
 * view.c: hands trace records to the ladder and to the pcapng file.
 */
#include "view.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "resolve.h"
#include "weir/loop.h"

static bool is_same(const struct weir_addr *a, const struct weir_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16) == 0;
}

static const char *name_of(void *user, const struct weir_endpoint *e)
{
	const struct gate_net *net = user;
	const struct gate_subnet *sub = e->addr.family == 4 ? &net->v4 : &net->v6;

	if (e->addr.family != 0 && is_same(&e->addr, &sub->origin))
		return GATE_ORIGIN_NAME;
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static unsigned terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 0; /* the ladder's own default */
}

static struct weir_ladder *new_ladder(const struct gate_net *net, const char *program)
{
	struct weir_ladder_args args = {
		.local_name = "weir",
		.remote_name = base_name(program),
		.name_of = name_of,
		.user = (void *)(uintptr_t)net,
		.charset = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? WEIR_CHARSET_UTF8
								      : WEIR_CHARSET_ASCII,
		.colour = isatty(STDERR_FILENO) ? WEIR_COLOUR_ALWAYS : WEIR_COLOUR_NEVER,
		.width = terminal_width(),
	};

	return weir_ladder_new(&args);
}

/* What is added to weir_now() to give time since 1970. */
static int64_t clock_offset(void)
{
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	return (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - (int64_t)weir_now();
}

int gate_view_open(struct gate_view *v, const struct gate_net *net, const char *program,
		   enum gate_explain explain, const char *trace, size_t payload_max)
{
	*v = (struct gate_view){.net = net};
	if (trace != NULL && weir_pcapng_open(&v->pcapng, trace, payload_max, clock_offset()) != 0)
		return -1;
	if (explain == GATE_EXPLAIN_NO)
		return 0;
	v->ladder = new_ladder(net, program);
	if (v->ladder != NULL)
		return 0;
	(void)gate_view_close(v);
	return -1;
}

static void feed(void *user, const struct weir_trace_record *record)
{
	struct gate_view *v = user;

	if (v->ladder != NULL)
		weir_ladder_feed(v->ladder, record);
	if (v->pcapng != NULL)
		weir_pcapng_feed(v->pcapng, record);
}

void gate_view_hook(struct gate_view *v, struct weir_config *cfg)
{
	if (v->ladder == NULL && v->pcapng == NULL)
		return;
	cfg->trace = feed;
	cfg->trace_user = v;
}

void gate_view_print(struct gate_view *v, const struct weir_stack *s, weir_time now)
{
	if (v->ladder != NULL)
		weir_ladder_print(v->ladder, stderr, s, now);
}

int gate_view_close(struct gate_view *v)
{
	int failed = v->pcapng != NULL ? weir_pcapng_close(v->pcapng) : 0;

	if (v->ladder != NULL)
		weir_ladder_free(v->ladder);
	*v = (struct gate_view){.net = v->net};
	return failed;
}
