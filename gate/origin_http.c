/*
 * origin_http.c: the pages of weir.test.
 *
 * Theory of operation
 *
 * libmicrohttpd calls gate_origin_answer() once when a request's header is there, then with each
 * piece of the body, then once more to answer. The first call finds the route (a row of `routes`)
 * and makes a request record; a body goes to the route's digest (/sink), to a bounded buffer
 * (/echo) or nowhere; the last call runs the route's answer. Nothing is kept but a digest and a
 * counter, so an upload may have any size; /bytes/N makes its bytes as they are sent.
 *
 * Bounds: /bytes/N up to BYTES_MAX (the header needs a digest of all of it first), /echo ECHO_MAX
 * (it cannot answer before the request has ended), /slow SLOW_MS_MAX.
 */
#include "origin_http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX   100000000000u /* 100 GB: a digest takes a minute */
#define ECHO_MAX    (16u * 1024u * 1024u)
#define SLOW_MS_MAX 600000u
/* Bytes made at one time. */
#define BODY_BLOCK (128u * 1024u)

#define TYPE_TEXT  "text/plain; charset=utf-8"
#define TYPE_HTML  "text/html; charset=utf-8"
#define TYPE_JSON  "application/json"
#define TYPE_BYTES "application/octet-stream"

static const char page[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head><meta charset=\"utf-8\"><title>weir.test</title></head>\n"
	"<body>\n"
	"<h1>weir.test</h1>\n"
	"<p>This page came through weir, a TCP of its own outside the kernel. It is served by the\n"
	"small origin built into <code>weir run</code>; nothing left this machine.</p>\n"
	"<ul>\n"
	"<li><a href=\"/bytes/1000000\">/bytes/N</a>: N reproducible bytes; the header\n"
	"X-Content-SHA256 tells their digest</li>\n"
	"<li>/sink: takes a POST, answers with its length and SHA-256</li>\n"
	"<li>/echo: gives the body of a POST back</li>\n"
	"<li><a href=\"/slow?ms=1000\">/slow?ms=N</a>: answers after N milliseconds</li>\n"
	"<li><a href=\"/close?how=fin\">/close?how=fin</a>,\n"
	"<a href=\"/close?how=rst\">/close?how=rst</a>: ends the connection by FIN or by RST</li>\n"
	"</ul>\n"
	"</body>\n"
	"</html>\n";

static const char not_found[] =
	"weir.test has only / /bytes/N /sink /echo /slow?ms=N /close?how=fin|rst\n";

struct request;

struct route {
	const char *path; /* one that ends with '/' and has more than that is a prefix */
	const char *methods;
	enum MHD_Result (*answer)(struct gate_origin *o, struct MHD_Connection *c,
				  struct request *r, const char *url);
};

struct request {
	const struct route *route; /* NULL: there is none */
	bool allowed;              /* the method is one of the route's */
	struct gate_digest *digest;
	uint64_t bytes;
	uint8_t *body;
	size_t body_size; /* bytes that `body` has room for */
	bool failed;      /* no memory, or too large */
};

/* Queues `text` (copied) as the whole answer, with one more header if `name` is not NULL. */
static enum MHD_Result reply(struct MHD_Connection *c, unsigned status, const char *type,
			     const char *text, const char *name, const char *value)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (response == NULL)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
	    (name == NULL || MHD_add_response_header(response, name, value) == MHD_YES))
		result = MHD_queue_response(c, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Reads a whole decimal number up to `max`. 0; -1: it is not one. */
static int read_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *out <= max ? 0 : -1;
}

static enum MHD_Result answer_page(struct gate_origin *o, struct MHD_Connection *c,
				   struct request *r, const char *url)
{
	(void)o;
	(void)r;
	(void)url;
	return reply(c, MHD_HTTP_OK, TYPE_HTML, page, NULL, NULL);
}

/* MHD_ContentReaderCallback */
static ssize_t make_bytes(void *cls, uint64_t at, char *out, size_t max)
{
	(void)cls;
	gate_pattern_fill((uint8_t *)out, at, max);
	return (ssize_t)max;
}

static enum MHD_Result answer_bytes(struct gate_origin *o, struct MHD_Connection *c,
				    struct request *r, const char *url)
{
	char hex[GATE_DIGEST_HEX];
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;
	uint64_t len;

	if (read_number(url + strlen(r->route->path), BYTES_MAX, &len) != 0)
		return reply(c, MHD_HTTP_BAD_REQUEST, TYPE_TEXT,
			     "/bytes/N: N is a number from 0 to 100000000000\n", NULL, NULL);
	if (gate_digest_of_pattern(o->digests, len, hex) != 0)
		return MHD_NO;
	response = MHD_create_response_from_callback(len, BODY_BLOCK, make_bytes, NULL, NULL);
	if (response == NULL)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", TYPE_BYTES) == MHD_YES &&
	    MHD_add_response_header(response, "X-Content-SHA256", hex) == MHD_YES)
		result = MHD_queue_response(c, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_sink(struct gate_origin *o, struct MHD_Connection *c,
				   struct request *r, const char *url)
{
	char hex[GATE_DIGEST_HEX];
	char text[GATE_DIGEST_HEX + 64];

	(void)o;
	(void)url;
	if (r->failed || gate_digest_hex(r->digest, hex) != 0)
		return MHD_NO;
	/* A number and hexadecimal digits: nothing that JSON would have to quote. */
	snprintf(text, sizeof(text), "{\"bytes\": %llu, \"sha256\": \"%s\"}\n",
		 (unsigned long long)r->bytes, hex);
	return reply(c, MHD_HTTP_OK, TYPE_JSON, text, NULL, NULL);
}

static enum MHD_Result answer_echo(struct gate_origin *o, struct MHD_Connection *c,
				   struct request *r, const char *url)
{
	struct MHD_Response *response;
	enum MHD_Result result = MHD_NO;
	const char *type;

	(void)o;
	(void)url;
	if (r->failed)
		return reply(c, MHD_HTTP_CONTENT_TOO_LARGE, TYPE_TEXT,
			     "/echo gives back up to 16 MiB\n", NULL, NULL);
	response =
		MHD_create_response_from_buffer((size_t)r->bytes, r->body, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return MHD_NO;
	type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");
	if (MHD_add_response_header(response, "Content-Type", type != NULL ? type : TYPE_BYTES) ==
	    MHD_YES)
		result = MHD_queue_response(c, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_slow(struct gate_origin *o, struct MHD_Connection *c,
				   struct request *r, const char *url)
{
	const char *value = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "ms");
	char text[64];
	uint64_t ms;

	(void)r;
	(void)url;
	if (read_number(value, SLOW_MS_MAX, &ms) != 0)
		return reply(c, MHD_HTTP_BAD_REQUEST, TYPE_TEXT,
			     "/slow?ms=N: N is a number from 0 to 600000\n", NULL, NULL);
	gate_origin_wait(o, ms);
	snprintf(text, sizeof(text), "waited %llu ms\n", (unsigned long long)ms);
	return reply(c, MHD_HTTP_OK, TYPE_TEXT, text, NULL, NULL);
}

/* MHD_NO without an answer ends the connection: its descriptor is closed. */
static enum MHD_Result answer_close(struct gate_origin *o, struct MHD_Connection *c,
				    struct request *r, const char *url)
{
	const char *how = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "how");
	const union MHD_ConnectionInfo *info;
	struct gate_origin_link *link;

	(void)o;
	(void)r;
	(void)url;
	if (how == NULL || (strcmp(how, "fin") != 0 && strcmp(how, "rst") != 0))
		return reply(c, MHD_HTTP_BAD_REQUEST, TYPE_TEXT,
			     "/close?how=HOW: HOW is fin or rst\n", NULL, NULL);
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	link = info != NULL ? info->socket_context : NULL;
	if (link != NULL && strcmp(how, "rst") == 0)
		atomic_store(&link->reset, true);
	return MHD_NO;
}

static const struct route routes[] = {
	{"/", "GET, HEAD", answer_page},     {"/bytes/", "GET, HEAD", answer_bytes},
	{"/sink", "POST, PUT", answer_sink}, {"/echo", "GET, HEAD, POST, PUT", answer_echo},
	{"/slow", "GET, HEAD", answer_slow}, {"/close", "GET, HEAD, POST", answer_close},
};
#define ROUTES (sizeof(routes) / sizeof(routes[0]))

static const struct route *find_route(const char *url)
{
	size_t i, len;

	for (i = 0; i < ROUTES; i++) {
		len = strlen(routes[i].path);
		if (strcmp(url, routes[i].path) == 0)
			return &routes[i];
		if (len > 1 && routes[i].path[len - 1] == '/' &&
		    strncmp(url, routes[i].path, len) == 0)
			return &routes[i];
	}
	return NULL;
}

/* True if `method` is a word of `list`. */
static bool is_listed(const char *list, const char *method)
{
	size_t len = strlen(method);
	const char *at;

	for (at = list; (at = strstr(at, method)) != NULL; at += len) {
		if ((at == list || at[-1] == ' ') && (at[len] == ',' || at[len] == '\0'))
			return len > 0;
	}
	return false;
}

static enum MHD_Result begin_request(const char *url, const char *method, void **state)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return MHD_NO;
	*state = r;
	r->route = find_route(url);
	r->allowed = r->route != NULL && is_listed(r->route->methods, method);
	if (r->allowed && r->route->answer == answer_sink) {
		r->digest = gate_digest_new();
		r->failed = r->digest == NULL;
	}
	return MHD_YES;
}

/* Appends to the body that /echo keeps, or gives up on it. */
static void keep_body(struct request *r, const char *data, size_t len)
{
	size_t size = r->body_size;
	uint8_t *larger;

	while (size < r->bytes + len)
		size = size == 0 ? 4096 : size * 2;
	if (size > ECHO_MAX) {
		r->failed = true;
		return;
	}
	larger = size > r->body_size ? realloc(r->body, size) : r->body;
	if (larger == NULL) {
		r->failed = true;
		return;
	}
	r->body = larger;
	r->body_size = size;
	memcpy(r->body + r->bytes, data, len);
}

static void take_body(struct request *r, const char *data, size_t len)
{
	if (!r->allowed || r->failed)
		return;
	if (r->route->answer == answer_echo)
		keep_body(r, data, len);
	else if (r->digest != NULL)
		r->failed = gate_digest_add(r->digest, data, len) != 0;
	r->bytes += len;
}

enum MHD_Result gate_origin_answer(void *cls, struct MHD_Connection *c, const char *url,
				   const char *method, const char *version, const char *data,
				   size_t *len, void **state)
{
	struct request *r = *state;

	(void)version;
	if (r == NULL)
		return begin_request(url, method, state);
	if (*len > 0) {
		take_body(r, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (r->route == NULL)
		return reply(c, MHD_HTTP_NOT_FOUND, TYPE_TEXT, not_found, NULL, NULL);
	if (!r->allowed)
		return reply(c, MHD_HTTP_METHOD_NOT_ALLOWED, TYPE_TEXT,
			     "not a method of this path; see the header Allow\n", "Allow",
			     r->route->methods);
	return r->route->answer(cls, c, r, url);
}

void gate_origin_answered(void *cls, struct MHD_Connection *c, void **state,
			  enum MHD_RequestTerminationCode why)
{
	struct request *r = *state;

	(void)cls;
	(void)c;
	(void)why;
	if (r == NULL)
		return;
	gate_digest_free(r->digest);
	free(r->body);
	free(r);
	*state = NULL;
}
