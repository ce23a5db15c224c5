/*
 * cmd_run.c: the command line of `weir run`.
 */
#include "cli.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "gate/run.h"

#define COMMAND "run"

enum option_value {
	OPT_EXPLAIN = 256,
	OPT_TRACE,
	OPT_IP,
	OPT_IP6,
	OPT_MTU,
	OPT_PCAP_PAYLOAD,
	OPT_CC,
	OPT_LATER, /* an option of the contract that is not there yet */
	OPT_HELP,
};

static const struct option options[] = {
	{"explain", no_argument, NULL, OPT_EXPLAIN},
	{"trace", required_argument, NULL, OPT_TRACE},
	{"ip", required_argument, NULL, OPT_IP},
	{"ip6", required_argument, NULL, OPT_IP6},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"pcap-payload", required_argument, NULL, OPT_PCAP_PAYLOAD},
	{"cc", required_argument, NULL, OPT_CC},
	{"fault", required_argument, NULL, OPT_LATER},
	{"watch", optional_argument, NULL, OPT_LATER},
	{"publish", required_argument, NULL, OPT_LATER},
	{"allow", required_argument, NULL, OPT_LATER},
	{"deny", required_argument, NULL, OPT_LATER},
	{"host-loopback", no_argument, NULL, OPT_LATER},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static int print_usage(void)
{
	printf("usage: weir run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
	       "\n"
	       "Runs PROGRAM in a network namespace of its own whose only way out is weir's\n"
	       "own TCP. Needs no root. Inside, http://weir.test/ is a small origin built\n"
	       "into weir.\n"
	       "\n"
	       "  --explain         when PROGRAM has ended, print each connection as a ladder on\n"
	       "                    standard error\n"
	       "  --trace FILE      write both directions to FILE (pcapng), each packet with a\n"
	       "                    comment\n"
	       "  --pcap-payload N  bytes of payload that FILE keeps of each packet (0 to 65535;\n"
	       "                    default 0)\n"
	       "  --ip CIDR         PROGRAM's IPv4 address (default " GATE_CIDR4_DEFAULT ")\n"
	       "  --ip6 CIDR        PROGRAM's IPv6 address (default " GATE_CIDR6_DEFAULT ")\n"
	       "  --mtu N           MTU inside (%u to %u; default %u)\n"
	       "  --cc NAME         congestion control: cubic (the default), newreno or bbr\n"
	       "  -h, --help        show this text\n"
	       "\n"
	       "Host 2 of each prefix is weir, host 3 is weir.test.\n"
	       "\n"
	       "Exit status: PROGRAM's own; 128 + N if signal N killed it; 127 if it was not\n"
	       "found, 126 if it cannot be executed, 125 if weir itself failed.\n",
	       GATE_MTU_MIN, GATE_MTU_DEFAULT, GATE_MTU_DEFAULT);
	return fflush(stdout) == 0 ? CLI_EXIT_OK : GATE_EXIT_FAILED;
}

static int read_cidr(const char *name, const char *text, unsigned family, struct gate_subnet *out)
{
	struct weir_addr addr;
	const char *wrong;
	unsigned prefix;

	if (cli_read_cidr(text, family, &addr, &prefix) != 0) {
		cli_complain(COMMAND, "--%s: '%s' is not an IPv%u address with its prefix, as %s",
			     name, text, family,
			     family == 4 ? GATE_CIDR4_DEFAULT : GATE_CIDR6_DEFAULT);
		return -1;
	}
	wrong = gate_subnet_set(out, &addr, prefix);
	if (wrong == NULL)
		return 0;
	cli_complain(COMMAND, "--%s: %s %s", name, text, wrong);
	return -1;
}

static int read_number(const char *name, const char *text, uint64_t min, uint64_t max,
		       uint64_t *out)
{
	if (cli_read_number(text, min, max, out) == 0)
		return 0;
	cli_complain(COMMAND, "--%s: '%s' is not a number from %llu to %llu", name, text,
		     (unsigned long long)min, (unsigned long long)max);
	return -1;
}

/* 0; -1: refused, and said why. */
static int take_option(struct gate_run_args *args, int found, const char *name)
{
	uint64_t number = 0;
	int failed = 0;

	switch (found) {
	case OPT_EXPLAIN:
		args->explain = GATE_EXPLAIN_YES;
		return 0;
	case OPT_TRACE:
		args->trace = optarg;
		return 0;
	case OPT_IP:
		return read_cidr(name, optarg, 4, &args->net.v4);
	case OPT_IP6:
		return read_cidr(name, optarg, 6, &args->net.v6);
	case OPT_MTU:
		failed = read_number(name, optarg, GATE_MTU_MIN, GATE_MTU_DEFAULT, &number);
		args->mtu = (uint32_t)number;
		return failed;
	case OPT_PCAP_PAYLOAD:
		failed = read_number(name, optarg, 0, 65535, &number);
		args->payload_max = (size_t)number;
		return failed;
	case OPT_CC:
		return cli_read_cc(COMMAND, optarg, &args->cc);
	default: /* OPT_LATER */
		cli_complain(COMMAND,
			     "--%s is not there yet; there are --explain, --trace, --pcap-payload, "
			     "--ip, --ip6, --mtu and --cc",
			     name);
		return -1;
	}
}

/* 0: go on; otherwise the exit status is in *status. */
static int read_options(struct gate_run_args *args, int argc, char **argv, int *status)
{
	int found, index = 0;

	*status = GATE_EXIT_FAILED;
	opterr = 0;
	while ((found = getopt_long(argc, argv, "+:hp:", options, &index)) != -1) {
		if (found == 'h' || found == OPT_HELP) {
			*status = print_usage();
			return -1;
		}
		if (found == '?' || found == ':') {
			cli_complain_option(COMMAND, argv, found);
			return -1;
		}
		if (take_option(args, found == 'p' ? OPT_LATER : found,
				found == 'p' ? "publish" : options[index].name) != 0)
			return -1;
	}
	if (optind < argc)
		return 0;
	cli_complain(COMMAND,
		     "a program is needed: weir run [OPTION...] [--] PROGRAM (see --help)");
	return -1;
}

int cmd_run(int argc, char **argv)
{
	struct gate_run_args args = {.mtu = GATE_MTU_DEFAULT, .cc = WEIR_CC_CUBIC};
	int status;

	/* The ladder's character set is the terminal's. */
	setlocale(LC_CTYPE, "");
	if (read_cidr("ip", GATE_CIDR4_DEFAULT, 4, &args.net.v4) != 0 ||
	    read_cidr("ip6", GATE_CIDR6_DEFAULT, 6, &args.net.v6) != 0)
		return GATE_EXIT_FAILED;
	if (read_options(&args, argc, argv, &status) != 0)
		return status;
	args.argv = argv + optind;
	return gate_run(&args);
}
