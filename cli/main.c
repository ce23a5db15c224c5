/*
 * main.c: the command table of weir(1).
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"

struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *text;
};

static const struct command commands[] = {
	{"run", cmd_run, "run a program with weir as its only way to the network"},
	{"serve", cmd_serve, "serve echo, discard, source or files on a TUN device"},
	{"ss", cmd_ss, "list the connections of what is running"},
	{"bench", cmd_bench, "measure the engine alone, in memory"},
	{"lab", cmd_lab, "show why TCP's rules are as they are, one rule switched off and on"},
	{"storm", cmd_storm, "simulate random hosts, links and faults, and check every step"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_usage(void)
{
	size_t i;

	printf("usage: weir COMMAND [OPTION...]\n"
	       "       weir --help | --version\n"
	       "\n"
	       "weir is a TCP of its own, outside the kernel.\n"
	       "\n"
	       "commands:\n");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].text);
	printf("\n"
	       "'weir COMMAND --help' tells the options of a command.\n");
	return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

/* "run, serve" */
static const char *list_commands(char *out, size_t len)
{
	size_t used = 0;
	size_t i;

	for (i = 0; i < COMMANDS && used < len; i++)
		used += (size_t)snprintf(out + used, len - used, "%s%s", i > 0 ? ", " : "",
					 commands[i].name);
	return out;
}

int main(int argc, char **argv)
{
	char names[256];
	size_t i;

	if (argc < 2) {
		cli_complain(NULL, "a command is needed: %s (or --help, --version)",
			     list_commands(names, sizeof(names)));
		return CLI_EXIT_BAD_USE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_usage();
	if (strcmp(argv[1], "--version") == 0) {
		puts("weir " WEIR_VERSION);
		return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
	}
	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].main(argc - 1, argv + 1);
	}
	cli_complain(NULL, "there is no %s '%s'; the commands are %s (or --help, --version)",
		     argv[1][0] == '-' ? "option" : "command", argv[1],
		     list_commands(names, sizeof(names)));
	return CLI_EXIT_BAD_USE;
}
