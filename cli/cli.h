/*
 * cli.h: what the commands of weir(1) share: the table of commands, how they complain, and how
 * they read numbers and addresses.
 *
 * Every command prints its usage with --help and returns 0. A wrong option or bad input gives one
 * line on standard error that names what is wrong and what is accepted, and status 2; `weir run`
 * alone returns 125, since its other statuses belong to the program it runs.
 */
#ifndef WEIR_CLI_H
#define WEIR_CLI_H

#include <getopt.h>
#include <stdint.h>

#include "weir/weir.h"

#ifndef WEIR_VERSION
#define WEIR_VERSION "0.1.0"
#endif

#define CLI_EXIT_OK      0
#define CLI_EXIT_FAILED  1 /* the command was right, but its work failed */
#define CLI_EXIT_BAD_USE 2

/* The commands; argv[0] is the command's own name. They return the process's exit status. */
int cmd_bench(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_ss(int argc, char **argv);
int cmd_storm(int argc, char **argv);

/* Prints "weir COMMAND: message" as one line on standard error; `command` NULL: "weir: message". */
void cli_complain(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Says what getopt_long(), called with opterr = 0 and a short option string that begins with ':'
 * (or "+:"), found wrong when it returned `found`, '?' or ':'. Long options without a letter have
 * values from 256 on. */
void cli_complain_option(const char *command, char *const *argv, int found);

/* Reads a whole decimal number from `min` to `max`. 0; -1: it is not one. */
int cli_read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* The same for the option --NAME of a command. 0; -1: it is not one, and that was said. */
int cli_read_option_number(const char *command, const char *name, uint64_t min, uint64_t max,
			   uint64_t *out);

/* The options of a command, all of them long; --help, whose value is 'h', and -h are among them. */
struct cli_options {
	const char *command;
	const struct option *table;
	/* Prints the usage; the exit status. */
	int (*print_usage)(void);
	/* Takes the option of this value and name, its argument in optarg. 0; -1: wrong, which
	 * was said. */
	int (*take)(void *user, int found, const char *name);
};

/* Takes all options; operands begin at optind then. 0; -1: *status is the exit status. */
int cli_take_options(const struct cli_options *o, void *user, int argc, char **argv, int *status);

/* Reads the name of a congestion control, as --cc takes it. 0; -1: it is none, and that was
 * said. */
int cli_read_cc(const char *command, const char *text, uint64_t *out);

/* Reads ADDRESS/PREFIX of family 4 or 6. 0; -1: it is not one. */
int cli_read_cidr(const char *text, unsigned family, struct weir_addr *addr, unsigned *prefix);

#endif
