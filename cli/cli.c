/*
 * cli.c: complaints, options, numbers and addresses of the command line.
 */
#include "cli.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_complain(const char *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("weir", stderr);
	if (command != NULL)
		fprintf(stderr, " %s", command);
	fputs(": ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

void cli_complain_option(const char *command, char *const *argv, int found)
{
	const char *word = argv[optind - 1];
	bool is_short = optopt > 0 && optopt < 256;

	if (optopt == 0)
		cli_complain(command, "there is no option %s (see --help)", word);
	else if (found == '?' && strncmp(word, "--", 2) == 0 && strchr(word, '=') != NULL)
		cli_complain(command, "option %s takes no value (see --help)", word);
	else if (found == '?')
		cli_complain(command, "there is no option -%c (see --help)", optopt);
	else if (is_short && strncmp(word, "--", 2) != 0)
		cli_complain(command, "option -%c needs a value (see --help)", optopt);
	else
		cli_complain(command, "option %s needs a value (see --help)", word);
}

int cli_read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned long long value;
	char *end;

	/* strtoull would take a sign and leading space. */
	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < min || value > max)
		return -1;
	*out = value;
	return 0;
}

int cli_read_option_number(const char *command, const char *name, uint64_t min, uint64_t max,
			   uint64_t *out)
{
	if (cli_read_number(optarg, min, max, out) == 0)
		return 0;
	cli_complain(command, "--%s: '%s' is not a number from %" PRIu64 " to %" PRIu64, name,
		     optarg, min, max);
	return -1;
}

int cli_take_options(const struct cli_options *o, void *user, int argc, char **argv, int *status)
{
	int found, index = 0;

	*status = CLI_EXIT_BAD_USE;
	opterr = 0;
	while ((found = getopt_long(argc, argv, ":h", o->table, &index)) != -1) {
		if (found == 'h') {
			*status = o->print_usage();
			return -1;
		}
		if (found == '?' || found == ':') {
			cli_complain_option(o->command, argv, found);
			return -1;
		}
		if (o->take(user, found, o->table[index].name) != 0)
			return -1;
	}
	return 0;
}

int cli_read_cc(const char *command, const char *text, uint64_t *out)
{
	char known[64];
	size_t len = 0;

	for (unsigned i = 0; i < WEIR_CC_COUNT; i++) {
		const char *name = weir_cc_name((enum weir_cc)i);

		if (strcmp(text, name) == 0) {
			*out = i;
			return 0;
		}
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s",
					i == 0                  ? ""
					: i + 1 < WEIR_CC_COUNT ? ", "
								: " or ",
					name);
	}
	cli_complain(command, "--cc: '%s' is not %s", text, known);
	return -1;
}

int cli_read_cidr(const char *text, unsigned family, struct weir_addr *addr, unsigned *prefix)
{
	char name[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	uint64_t bits;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(name))
		return -1;
	memcpy(name, text, (size_t)(slash - text));
	name[slash - text] = '\0';
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(family == 4 ? AF_INET : AF_INET6, name, addr->bytes) != 1)
		return -1;
	if (cli_read_number(slash + 1, 0, family == 4 ? 32 : 128, &bits) != 0)
		return -1;
	addr->family = (uint8_t)family;
	*prefix = (unsigned)bits;
	return 0;
}
