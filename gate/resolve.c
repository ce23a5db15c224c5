/*
 * resolve.c: the texts of /etc/hosts and /etc/resolv.conf.
 */
#include "resolve.h"

#include <stdio.h>
#include <stdlib.h>

/* Real files are a few KB; lists of blocked names reach some hundreds. */
#define HOSTS_FILE_MAX (1024u * 1024u)

static void copy_file(FILE *out, const char *path)
{
	FILE *in = fopen(path, "re");
	char block[4096];
	size_t left = HOSTS_FILE_MAX;
	size_t n;

	if (in == NULL)
		return;
	while (left > 0 && (n = fread(block, 1, left < sizeof(block) ? left : sizeof(block), in))) {
		fwrite(block, 1, n, out);
		left -= n;
	}
	fclose(in);
}

/* Closes a memory stream: its text, or NULL if anything went wrong on the way. */
static char *finish_text(FILE *out, char **text)
{
	int failed = ferror(out);

	if (fclose(out) == 0 && !failed)
		return *text;
	free(*text);
	return NULL;
}

char *gate_hosts_text(const struct gate_net *net, const char *host_file)
{
	char addr[GATE_CIDR_TEXT];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fprintf(out, "%s\t" GATE_ORIGIN_NAME "\n", gate_addr_text(addr, &net->v4.origin));
	if (net->v6.origin.family == 6)
		fprintf(out, "%s\t" GATE_ORIGIN_NAME "\n", gate_addr_text(addr, &net->v6.origin));
	copy_file(out, host_file);
	return finish_text(out, &text);
}

char *gate_resolv_text(const struct gate_net *net)
{
	char addr[GATE_CIDR_TEXT];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	/* One attempt: the answer is a refusal, and it comes at once. */
	fprintf(out, "# made by weir run\nnameserver %s\noptions attempts:1 timeout:2\n",
		gate_addr_text(addr, &net->v4.gateway));
	return finish_text(out, &text);
}
