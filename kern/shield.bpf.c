/*
 * Theory of operation
 *
 * At the egress of the TUN device (tc, clsact), where a packet would join the queue that weir reads
 * from. A SYN to a listener in cookie mode is turned into the SYN-ACK that weir would send
 * (answer.h) and put to the device's ingress, as if weir had written it. All of it happens in the
 * context of whoever sent the SYN: no queue, no other process, and the sender pays. Everything else
 * goes on as if we were not here: the third segment, SYNs of pairs that weir owns (the slots), and
 * whatever is unusual.
 *
 * While a listener is flooded, no more SYNs go on than weir can read (PASSING_MAX): else who
 * repeats one SYN that is weir's, or sends unusual ones, would fill the queue all the same.
 *
 * weir's process says by until_ns how long the program may act, and moves it on ten times a second:
 * when weir is gone, or hangs, SYNs go their old way within a second.
 *
 * Checksums: a SYN of this machine's own sockets, or of a container's, has the sum of its
 * pseudo-header in the field and a mark in the kernel's buffer that the device is to complete it;
 * the mark stays with the SYN-ACK, which therefore gets such a sum, too. Any other must be right.
 *
 * A packet that is no SYN costs the look at two bytes. Packets are read in place and written by
 * bpf_skb_store_bytes(): a program that writes in place would make the kernel copy every buffer
 * that is shared, and TCP shares all that it sends.
 *
 * Helpers that the kernel keeps for GPL programs are not used; kernels before 5.8 keep the clock
 * for these and refuse the program.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "kern/answer.h"
#include "kern/maps.h"

#define NS_IN_MS 1000000u

/* Bytes before the IP header: none on a TUN. Where the kernel lets a program be tried (test_run),
 * there is an Ethernet header; a section of its own lets tests find it. */
const volatile uint32_t link_len SEC(".rodata.link");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct shield_shared);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before it is loaded */
	__type(key, uint32_t);
	__type(value, struct shield_slots);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct shield_counts);
} counts SEC(".maps");

/* Too large for the stack, and read at offsets that a packet says. */
struct work {
	struct answer_syn syn;
	uint8_t synack[WEIR_FRONT_FORM_BYTES];
	struct answer answer;
	uint64_t passing_ms; /* in this millisecond ... */
	uint32_t passing;    /* ... so many SYNs went on */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct work);
} works SEC(".maps");

static const uint32_t first;

ANSWER_INLINE struct weir_front_slot *slot_at(uint32_t i)
{
	uint32_t entry = i / SHIELD_SLOTS_EACH;
	struct shield_slots *line = bpf_map_lookup_elem(&slots, &entry);

	return line ? &line->slot[i % SHIELD_SLOTS_EACH] : NULL;
}

ANSWER_INLINE uint32_t ip_len(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IPV6) ? ANSWER_IP6_LEN : IP4_HDR_LEN;
}

/* The headers of a SYN, and zeros behind them. */
ANSWER_INLINE int copy_syn(struct __sk_buff *skb, struct answer_syn *syn)
{
	uint32_t at = link_len + ip_len(skb), len;
	int rc;

	memset(syn->tcp, 0, sizeof(syn->tcp));
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		rc = bpf_skb_load_bytes(skb, link_len, syn->ip, ANSWER_IP6_LEN);
	else
		rc = bpf_skb_load_bytes(skb, link_len, syn->ip, IP4_HDR_LEN);
	if (rc != 0 || answer_is6(syn->ip) != (skb->protocol == bpf_htons(ETH_P_IPV6)))
		return -1;
	if (bpf_skb_load_bytes(skb, at, syn->tcp, TCP_HDR_LEN) != 0)
		return -1;
	len = (syn->tcp[12] >> 4) * 4u;
	if (len <= TCP_HDR_LEN)
		return 0;
	len -= TCP_HDR_LEN;
	if (len > TCP_OPT_MAX)
		return -1;
	return bpf_skb_load_bytes(skb, at + TCP_HDR_LEN, syn->tcp + TCP_HDR_LEN, len) != 0;
}

/* What it carries: answer_look() has said that it is no more than ANSWER_DATA_MAX. */
ANSWER_INLINE int copy_data(struct __sk_buff *skb, struct answer_syn *syn)
{
	uint32_t hdr = (syn->tcp[12] >> 4) * 4u;
	uint32_t len = answer_tcp_len(syn->ip) - hdr;

	if (len == 0)
		return 0;
	if (len > ANSWER_DATA_MAX)
		return -1;
	memset(syn->data + (len & ~7u), 0, 8);
	return bpf_skb_load_bytes(skb, link_len + ip_len(skb) + hdr, syn->data, len) != 0;
}

/* The packet becomes the SYN-ACK of `len` bytes. */
ANSWER_INLINE int replace(struct __sk_buff *skb, const struct work *w, uint32_t len)
{
	if (len < IP4_HDR_LEN + TCP_HDR_LEN || len > WEIR_FRONT_FORM_BYTES)
		return -1;
	if (skb->len != link_len + len && bpf_skb_change_tail(skb, link_len + len, 0) != 0)
		return -1;
	return bpf_skb_store_bytes(skb, link_len, w->synack, len,
				   BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH) != 0;
}

ANSWER_INLINE enum answer_verdict answer(struct __sk_buff *skb, const struct weir_front_rules *r,
					 struct work *w, uint64_t now_ms)
{
	enum answer_verdict verdict;
	struct weir_front_slot *slot;
	uint32_t len;

	if (copy_syn(skb, &w->syn) != 0)
		return ANSWER_UNUSUAL;
	verdict = answer_look(w->syn.ip, w->syn.tcp, skb->len - link_len);
	if (verdict == ANSWER_SYNACK && copy_data(skb, &w->syn) != 0)
		return ANSWER_UNUSUAL;
	if (verdict == ANSWER_SYNACK)
		verdict = answer_read(&w->answer, r, &w->syn);
	if (verdict != ANSWER_SYNACK)
		return verdict;
	slot = slot_at(answer_slot(r, &w->answer));
	if (!slot || answer_owned(slot, answer_tick(r, now_ms)) != ANSWER_SYNACK)
		return ANSWER_OWNED;
	len = answer_write(&w->answer, r, &w->syn, now_ms, w->synack);
	return replace(skb, w, len) == 0 ? ANSWER_SYNACK : ANSWER_UNUSUAL;
}

/* Can it be a SYN, by what lies in place? */
ANSWER_INLINE bool may_be_syn(const struct __sk_buff *skb)
{
	const uint8_t *at = (const uint8_t *)(long)skb->data + link_len;
	const uint8_t *end = (const uint8_t *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (at + IP4_HDR_LEN + TCP_HDR_LEN > end)
			return true; /* in pieces: it has to be copied to be seen */
		return answer_look(at, at + IP4_HDR_LEN, skb->len - link_len) != ANSWER_NO_SYN;
	}
	if (skb->protocol != bpf_htons(ETH_P_IPV6))
		return false;
	if (at + ANSWER_IP6_LEN + TCP_HDR_LEN > end)
		return true;
	return answer_look(at, at + ANSWER_IP6_LEN, skb->len - link_len) != ANSWER_NO_SYN;
}

/* SYNs that go on to weir while a listener is flooded, of one core in a millisecond: more than weir
 * could read would only push everything else from its queue. */
#define PASSING_MAX 64u

ANSWER_INLINE int pass(struct shield_counts *c, enum answer_verdict verdict, struct work *w,
		       uint64_t now_ms)
{
	if (w->passing_ms != now_ms) {
		w->passing_ms = now_ms;
		w->passing = 0;
	}
	if (++w->passing > PASSING_MAX) {
		c->dropped++;
		return TC_ACT_SHOT;
	}
	if (verdict < SHIELD_PASSED_MAX)
		c->passed[verdict]++;
	return TC_ACT_OK;
}

/* What becomes of the packet, and its count. */
ANSWER_INLINE int settle(struct shield_shared *s, enum answer_verdict verdict, struct work *w,
			 uint64_t now_ms)
{
	struct shield_counts *c = bpf_map_lookup_elem(&counts, &first);
	uint32_t i = w->answer.listener;

	if (!c || verdict == ANSWER_NO_SYN)
		return TC_ACT_OK;
	if (verdict != ANSWER_SYNACK)
		return pass(c, verdict, w, now_ms);
	if (i < WEIR_FRONT_LISTENERS) {
		c->answered[i]++;
		if (s->answered_ms[i] != now_ms) /* or cores would fight for the line */
			s->answered_ms[i] = now_ms;
	}
	return TC_ACT_REDIRECT;
}

SEC("tc")
int weir_shield(struct __sk_buff *skb)
{
	struct shield_shared *s;
	struct work *w;
	uint64_t now;
	enum answer_verdict verdict;
	int action;

	if (!may_be_syn(skb))
		return TC_ACT_OK;
	s = bpf_map_lookup_elem(&shared, &first);
	w = bpf_map_lookup_elem(&works, &first);
	now = bpf_ktime_get_ns();
	if (!s || !w || now >= s->until_ns)
		return TC_ACT_OK;
	verdict = answer(skb, &s->rules[s->in_force & 1], w, now / NS_IN_MS);
	action = settle(s, verdict, w, now / NS_IN_MS);
	return action == TC_ACT_REDIRECT ? bpf_redirect(skb->ifindex, BPF_F_INGRESS) : action;
}

/* The project's own: it needs no helper that is kept for GPL programs. */
char LICENSE[] SEC("license") = "Apache-2.0";
