/*
 * The program that answers SYNs in the kernel, run by the kernel on packets of ours (test_run), and
 * not attached to anything: what it makes of them is what the engine does, byte for byte. Skipped
 * where the kernel lets us load no program.
 */
#include "unit/stack/syns.h"

#include "host/shield/shield.h"

#ifndef WEIR_HAS_SHIELD

int main(void)
{
	print_message("skipped: built without clang or libbpf\n");
	return 77;
}

#else

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <sys/mman.h>

#include "kern/answer.h"
#include "kern/maps.h"
#include "stack/demux.h"

#define SYNS       4000u
#define SLOTS      1024u
#define PROGRAM    "weir_shield"
#define PACKET_MAX 1600u

static struct bpf_object *object;
static struct shield_shared *shared;
static struct weir_front_slot *slots;

static int map_fd(const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(object, name));
}

static void *map_memory(const char *name, size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd(name), 0);

	assert_ptr_not_equal(mem, MAP_FAILED);
	return mem;
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* 0, or an errno. */
static int load(void)
{
	const uint32_t link_len = ETH_HLEN;
	size_t len;
	const void *bytes = shield_object(&len);

	libbpf_set_print(silent);
	object = bpf_object__open_mem(bytes, len, NULL);
	assert_non_null(object);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "slots"),
				 SLOTS / SHIELD_SLOTS_EACH);
	assert_int_equal(
		bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata.link"),
					   &link_len, sizeof(link_len)),
		0);
	if (bpf_object__load(object) != 0)
		return errno;
	shared = map_memory("shared", sizeof(*shared));
	slots = map_memory("slots", SLOTS * sizeof(*slots));
	return 0;
}

/* --- A stack whose front the program is ------------------------------------------------------- */

static void begin(struct stk *f)
{
	struct weir_listen_args args = {.local = {.addr = our4, .port = PORT}};
	struct weir_listen_args args6 = {.local = {.addr = our6, .port = PORT}};
	struct weir_front_args front = {
		.slots = slots, .slot_count = SLOTS, .answered_ms = shared->answered_ms};
	weir_listener l;

	f->cfg.cookies = 2;
	f->cfg.timestamps = 1;
	f->cfg.ecn = ACCECN_SETTING_ACCEPT;
	f->cfg.dscp = 10;
	f->now = weir_now();
	memset(f->cfg.isn_key, 0x5a, sizeof(f->cfg.isn_key));
	stk_start(f);
	assert_int_equal(weir_listen(f->s, &args, &l), WEIR_OK);
	assert_int_equal(weir_listen(f->s, &args6, &l), WEIR_OK);
	memset(slots, 0, SLOTS * sizeof(*slots));
	memset(shared, 0, sizeof(*shared));
	assert_int_equal(weir_front_open(f->s, &front), WEIR_OK);
	weir_front_update(f->s, f->now);
	shared->in_force = 1;
	weir_front_rules_get(f->s, &shared->rules[1]);
	shared->rules[1].epoch_ms += WEIR_FRONT_LAG_MS; /* as the engine, to be compared with it */
	shared->until_ns = weir_now() + 600ull * NS_PER_S;
}

struct tried {
	uint32_t action; /* TC_ACT_* */
	uint8_t bytes[PACKET_MAX];
	size_t len;
};

static struct tried try(const uint8_t *packet, size_t len)
{
	uint8_t in[ETH_HLEN + PACKET_MAX] = {0}, out[ETH_HLEN + PACKET_MAX];
	struct tried t = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in,
		    .data_size_in = (uint32_t)(ETH_HLEN + len), .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);
	struct bpf_program *p = bpf_object__find_program_by_name(object, PROGRAM);

	be16_put(in + 12, packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
	memcpy(in + ETH_HLEN, packet, len);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(p), &opts), 0);
	t.action = opts.retval;
	t.len = opts.data_size_out - ETH_HLEN;
	memcpy(t.bytes, out + ETH_HLEN, t.len);
	return t;
}

static struct shield_counts counts(void)
{
	int cpus = libbpf_num_possible_cpus();
	struct shield_counts sum = {0}, *each = calloc((size_t)cpus, sizeof(*each));
	uint32_t first = 0;

	assert_int_equal(bpf_map_lookup_elem(map_fd("counts"), &first, each), 0);
	for (int cpu = 0; cpu < cpus; cpu++) {
		for (unsigned i = 0; i < WEIR_FRONT_LISTENERS; i++)
			sum.answered[i] += each[cpu].answered[i];
		sum.dropped += each[cpu].dropped;
		for (unsigned i = 0; i < SHIELD_PASSED_MAX; i++)
			sum.passed[i] += each[cpu].passed[i];
	}
	free(each);
	return sum;
}

/* A good SYN of a pair. */
static size_t plain_syn(uint8_t *packet, uint16_t port)
{
	struct weir_tuple t = stk_peer(4, 9, port);

	return stk_packet(packet, &t,
			  (struct tcp_seg){.seq = {PEER_ISN}, .wnd = 60000, .flags = TCP_SYN});
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void compare(struct stk *f, struct syns *g)
{
	uint8_t packet[SYNS_PACKET_MAX];
	unsigned answered = 0, listener = g->family == 6;
	struct shield_counts before = counts(), after;

	for (unsigned i = 0; i < SYNS; i++) {
		size_t len = syns_next(g, packet);
		struct tried t = try(packet, len);
		struct weir_frame frame = {
			.bytes = packet, .len = len, .flags = g->partial ? WEIR_FRAME_CSUM_OK : 0};

		if (t.action == TC_ACT_SHOT) /* a fast machine: 64 a millisecond go on */
			continue;
		if (t.action == TC_ACT_OK) {
			assert_int_equal(t.len, len);
			assert_memory_equal(t.bytes, packet, len);
			continue;
		}
		assert_int_equal(t.action, TC_ACT_REDIRECT);
		f->now = shared->answered_ms[listener] * NS_PER_MS; /* as the program read it */
		assert_verdict(weir_input(f->s, &frame, f->now), SYN_COOKIE);
		assert_out(f, f->seg.flags);
		assert_int_equal(t.len, f->len);
		assert_memory_equal(t.bytes, f->bytes, f->len);
		answered++;
	}
	after = counts();
	assert_true(answered > SYNS / 3);
	assert_int_equal(after.answered[listener] - before.answered[listener], answered);
	for (enum answer_verdict v = ANSWER_UNUSUAL; v <= ANSWER_CHECKSUM; v++)
		assert_true(after.passed[v] > before.passed[v]);
}

static void test_same_bytes(void **state)
{
	struct stk *f = *state;
	struct syns g = {.random = 2463534242u, .family = 4};

	for (unsigned family = 4; family <= 6; family += 2) {
		g.family = (uint8_t)family;
		g.partial = false;
		f->cfg.synopt_bsd = f->cfg.link_csum_offload = 0;
		begin(f);
		compare(f, &g);
		f->cfg.synopt_bsd = 1;
		begin(f);
		compare(f, &g);
		f->cfg.link_csum_offload = 1;
		g.partial = true;
		begin(f);
		compare(f, &g);
	}
}

/* Its ACK makes a connection, though the engine has sent no cookie itself. */
static void test_handshake(void **state)
{
	struct stk *f = *state;
	struct weir_tuple tuple = stk_peer(4, 9, 4321);
	struct tcp_seg synack;
	uint8_t packet[SYNS_PACKET_MAX];
	struct tried t;
	size_t len;

	begin(f);
	len = plain_syn(packet, 4321);
	t = try(packet, len);
	assert_int_equal(t.action, TC_ACT_REDIRECT);
	assert_int_equal(tcp_parse(&synack, t.bytes + 20, t.len - 20), 0);
	assert_int_equal(synack.flags, TCP_SYN | TCP_ACK);
	f->now = weir_now();
	assert_verdict(stk_in(f, &tuple,
			      (struct tcp_seg){.seq = {PEER_ISN + 1},
					       .ack = seq_add(synack.seq, 1),
					       .wnd = 60000,
					       .flags = TCP_ACK}),
		       ACCEPTED);
	stk_event(f, WEIR_EV_ACCEPTED);
	/* From now on the pair is the engine's. */
	assert_int_equal(try(packet, len).action, TC_ACT_OK);
	assert_int_equal(try(packet, plain_syn(packet, 4322)).action, TC_ACT_REDIRECT);
}

#define REPEATED 200000u

/* An owner in each slot: nothing is answered, however often it comes; and no more of it goes on
 * than weir can read. */
static void test_owned(void **state)
{
	struct stk *f = *state;
	uint8_t packet[SYNS_PACKET_MAX], in[ETH_HLEN + SYNS_PACKET_MAX] = {[12] = ETH_P_IP >> 8};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .repeat = REPEATED);
	struct bpf_program *p = bpf_object__find_program_by_name(object, PROGRAM);
	struct shield_counts before, after;
	size_t len = plain_syn(packet, 1);

	begin(f);
	for (unsigned i = 0; i < SLOTS; i++)
		slots[i].owners = 1;
	for (uint16_t port = 1; port < 100; port++)
		assert_int_not_equal(try(packet, plain_syn(packet, port)).action, TC_ACT_REDIRECT);
	before = counts();
	memcpy(in + ETH_HLEN, packet, len);
	opts.data_size_in = (uint32_t)(ETH_HLEN + len);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(p), &opts), 0);
	after = counts();
	assert_int_equal(after.answered[0], before.answered[0]);
	assert_true(after.dropped > before.dropped);
	assert_true(after.passed[ANSWER_OWNED] >= before.passed[ANSWER_OWNED] + 64);
	assert_int_equal(after.dropped - before.dropped + after.passed[ANSWER_OWNED] -
				 before.passed[ANSWER_OWNED],
			 REPEATED);
}

/* As much as a SYN may carry is summed; one byte more is weir's to look at. */
static void test_data(void **state)
{
	struct stk *f = *state;
	struct weir_tuple t = stk_peer(4, 9, 77);
	static const uint16_t lens[] = {1, 7, 8, 9, 1460, ANSWER_DATA_MAX, ANSWER_DATA_MAX + 1};
	uint8_t packet[ETH_HLEN + 40 + ANSWER_DATA_MAX + 1], data[ANSWER_DATA_MAX + 1];
	struct tcp_seg syn = {.seq = {PEER_ISN}, .flags = TCP_SYN, .payload = data};

	begin(f);
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + 7);
	for (unsigned i = 0; i < LENGTH(lens); i++) {
		size_t len;

		syn.len = lens[i];
		len = stk_packet(packet, &t, syn);
		assert_int_equal(try(packet, len).action == TC_ACT_REDIRECT,
				 lens[i] <= ANSWER_DATA_MAX);
		packet[len - 1] ^= 1; /* now the checksum is wrong */
		assert_int_not_equal(try(packet, len).action, TC_ACT_REDIRECT);
	}
}

/* When weir no longer says that it is there, and when no listener is on. */
static void test_ends(void **state)
{
	struct stk *f = *state;
	uint8_t packet[SYNS_PACKET_MAX];
	size_t len = plain_syn(packet, 1);

	begin(f);
	assert_int_equal(try(packet, len).action, TC_ACT_REDIRECT);
	shared->until_ns = weir_now();
	assert_int_equal(try(packet, len).action, TC_ACT_OK);
	shared->until_ns += 600ull * NS_PER_S;
	assert_int_equal(try(packet, len).action, TC_ACT_REDIRECT);
	shared->in_force = 0; /* no rules at all */
	assert_int_equal(try(packet, len).action, TC_ACT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_bytes), TEST(test_handshake), TEST(test_owned),
		TEST(test_data),       TEST(test_ends),
	};
	int error = load();

	/* A program that the kernel finds fault with gets EACCES or EINVAL. */
	if (error == EPERM || error == ENOSYS) {
		print_message("skipped: no program can be loaded into the kernel: %s\n",
			      strerror(error));
		return 77;
	}
	if (error != 0) {
		print_error("the program cannot be loaded: %s\n", strerror(error));
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
