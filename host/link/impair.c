/*
 * impair.c: one direction of an imperfect path.
 *
 * Theory of operation
 *
 * A packet is an item of 40 bytes that goes through three places:
 *
 *   queue   a ring, first in first out: waits for the rate. What is in it decides about drop-tail
 *           and marks for length.
 *   heap    on its way, ordered by the time it leaves, and in the order of sending where these are
 *           equal. Packets that CoDel dropped are here too, at the time of the drop, so that the
 *           caller hears of them and can forget their bytes.
 *   held    a few that wait until a number of later ones has gone, or their time is up.
 *
 * The queue is emptied late: serve() runs at each call and begins, one after the other, the sending
 * of all packets whose time to begin has passed, at the time at which each would have begun. So
 * what happens does not depend on how often the caller looks, and a caller need not wake for the
 * beginning of a serialisation, only for the leaving: delay_ns later.
 *
 * Serialisation takes len * 8 * 10^9 / rate ns. The remainder is carried to the next packet while
 * the link stays busy, so that a train of n packets takes exactly the floor of n times as long.
 *
 * Dice. Each throw is a hash of the seed, the purpose and the packet's number, hence the fate of
 * the n-th packet for one purpose does not depend on what else is switched on. The hash is two
 * rounds of splitmix64. Bursts have a state (good or bad) besides, changed by one throw a packet.
 *
 * Limits: packets_max ids inside, each of which may be twice in the heap (a copy).
 */
#include "weir/impair.h"

#include <string.h>

#include "link/codel.h"

#define NS_PER_S 1000000000u

enum purpose {
	PURPOSE_LOSS,
	PURPOSE_BURST,
	PURPOSE_REORDER,
	PURPOSE_DUP,
	PURPOSE_JITTER,
	PURPOSE_CORRUPT,
	PURPOSE_CORRUPT_COPY,
	PURPOSE_NOISE,
	PURPOSES
};

enum item_flag {
	ITEM_ECT = 1,     /* may be marked */
	ITEM_CE = 2,      /* is to be */
	ITEM_HOLD = 4,    /* chance holds it back */
	ITEM_TWICE = 8,   /* the original of a copy */
	ITEM_COPY = 16,   /* the copy */
	ITEM_DROPPED = 32 /* by CoDel */
};

struct item {
	uint64_t id;
	weir_time at;    /* in the queue: since when; elsewhere: when it leaves */
	uint64_t number; /* of the packet among those offered */
	uint64_t order;  /* of its coming to the heap */
	uint32_t len;
	uint32_t flags;
};

struct held {
	struct item item; /* `at`: without being held */
	weir_time latest;
	uint32_t left; /* packets that are still to pass */
};

struct weir_impair {
	struct weir_impair_conf conf;
	struct weir_impair_stats stats;
	struct codel codel;
	uint64_t keys[PURPOSES];
	bool bad;              /* in a burst */
	uint32_t largest;      /* bytes of the largest packet seen */
	weir_time free_at;     /* when the link has sent what it began */
	uint64_t remainder;    /* of that division, below the rate */
	weir_time leaves_last; /* of packets whose order is kept */
	uint64_t orders;
	uint64_t newest; /* 1 + highest number that left */
	uint32_t inside;
	uint64_t queued; /* bytes in the queue */
	uint32_t queue_first, queue_len;
	uint32_t heap_len, held_len;
	struct held held[WEIR_IMPAIR_HELD_MAX];
	struct item items[]; /* the queue: packets_max; then the heap: twice as many */
};

/* --- Configuration ------------------------------------------------------------------------------
 */

static bool chances_ok(const struct weir_impair_conf *c)
{
	return c->loss_ppm <= WEIR_IMPAIR_PPM && c->burst_enter_ppm <= WEIR_IMPAIR_PPM &&
	       c->burst_leave_ppm <= WEIR_IMPAIR_PPM && c->reorder_ppm <= WEIR_IMPAIR_PPM &&
	       c->dup_ppm <= WEIR_IMPAIR_PPM && c->corrupt_ppm <= WEIR_IMPAIR_PPM;
}

const char *weir_impair_check(const struct weir_impair_conf *c)
{
	if (c->packets_max == 0 || c->packets_max > WEIR_IMPAIR_PACKETS_MAX)
		return "packets_max is out of its range";
	if (!chances_ok(c))
		return "a chance is more than a million in a million";
	if (c->delay_ns > WEIR_IMPAIR_NS_MAX || c->jitter_ns > WEIR_IMPAIR_NS_MAX ||
	    c->hold_ns > WEIR_IMPAIR_NS_MAX)
		return "delay, jitter and hold are 1,000 s at most";
	if (c->burst_enter_ppm != 0 && c->burst_leave_ppm == 0)
		return "bursts need a chance to end";
	if (c->reorder_ppm != 0 && c->hold_ns == 0)
		return "reordering needs a time for which packets are held back at most";
	if (c->codel_target_ns > WEIR_IMPAIR_CODEL_NS_MAX ||
	    c->codel_interval_ns > WEIR_IMPAIR_CODEL_NS_MAX)
		return "CoDel's target and interval are 4 s at most";
	return NULL;
}

size_t weir_impair_size(const struct weir_impair_conf *conf)
{
	return sizeof(struct weir_impair) + sizeof(struct item) * 3u * conf->packets_max;
}

/* One step of splitmix64 (Vigna, 2015): a bijection that scatters even neighbouring values. */
static uint64_t scatter(uint64_t v)
{
	v += UINT64_C(0x9e3779b97f4a7c15);
	v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
	return v ^ (v >> 31);
}

struct weir_impair *weir_impair_init(void *mem, size_t size, const struct weir_impair_conf *conf)
{
	struct weir_impair *im = mem;

	if (weir_impair_check(conf) != NULL || size < weir_impair_size(conf))
		return NULL;
	memset(im, 0, sizeof(*im));
	im->conf = *conf;
	codel_init(&im->codel,
		   conf->codel_target_ns != 0 ? conf->codel_target_ns : WEIR_IMPAIR_CODEL_TARGET,
		   conf->codel_interval_ns != 0 ? conf->codel_interval_ns
						: WEIR_IMPAIR_CODEL_INTERVAL);
	for (uint64_t i = 0; i < PURPOSES; i++)
		im->keys[i] = scatter(scatter(conf->seed) + i);
	return im;
}

/* --- Dice ---------------------------------------------------------------------------------------
 */

static uint64_t throw(const struct weir_impair *im, enum purpose p, uint64_t number)
{
	return scatter(im->keys[p] ^ scatter(number));
}

/* True `ppm` times in a million. */
static bool chance(const struct weir_impair *im, enum purpose p, uint64_t number, uint32_t ppm)
{
	return ppm != 0 && throw(im, p, number) % WEIR_IMPAIR_PPM < ppm;
}

static bool find_bad(struct weir_impair *im, uint64_t number)
{
	uint32_t ppm = im->bad ? im->conf.burst_leave_ppm : im->conf.burst_enter_ppm;

	if (chance(im, PURPOSE_BURST, number, ppm))
		im->bad = !im->bad;
	return im->bad;
}

/* --- The heap: the item that leaves first is at 0, children of i are at 2i + 1 and 2i + 2 --------
 */

static struct item *heap_of(struct weir_impair *im)
{
	return im->items + im->conf.packets_max;
}

static bool before(const struct item *a, const struct item *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct weir_impair *im, const struct item *new)
{
	struct item *heap = heap_of(im), item = *new;
	uint32_t i = im->heap_len++;

	item.order = im->orders++;
	for (; i != 0 && before(&item, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = item;
}

static struct item heap_pop(struct weir_impair *im)
{
	struct item *heap = heap_of(im), top = heap[0], last = heap[--im->heap_len];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < im->heap_len) {
		if (child + 1 < im->heap_len && before(&heap[child + 1], &heap[child]))
			child++;
		if (!before(&heap[child], &last))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

/* --- From the end of sending to the far end -----------------------------------------------------
 */

static void let_go(struct weir_impair *im, const struct item *item, weir_time at)
{
	struct item leaving = *item;

	leaving.at = at;
	heap_push(im, &leaving);
	if (item->flags & ITEM_TWICE) {
		leaving.flags = (item->flags & ~(uint32_t)ITEM_TWICE) | ITEM_COPY;
		heap_push(im, &leaving);
	}
}

/* Lets go those held packets whose time is up at `now`. */
static void release_held(struct weir_impair *im, weir_time now)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < im->held_len; i++) {
		struct held h = im->held[i];

		if (h.latest <= now)
			let_go(im, &h.item, h.latest);
		else
			im->held[kept++] = h;
	}
	im->held_len = kept;
}

/* A packet leaves at `at`: the held ones have seen one more pass. */
static void pass_held(struct weir_impair *im, weir_time at)
{
	uint32_t kept = 0;

	release_held(im, at);
	for (uint32_t i = 0; i < im->held_len; i++) {
		struct held h = im->held[i];

		if (h.item.at <= at && --h.left == 0)
			let_go(im, &h.item, at);
		else
			im->held[kept++] = h;
	}
	im->held_len = kept;
}

static void hold(struct weir_impair *im, const struct item *item, weir_time at)
{
	struct held *h = &im->held[im->held_len];

	im->stats.held++;
	if (im->conf.hold_packets == 0) {
		let_go(im, item, at + im->conf.hold_ns);
		return;
	}
	*h = (struct held){*item, at + im->conf.hold_ns, im->conf.hold_packets};
	h->item.at = at;
	im->held_len++;
}

/* The last bit was sent at `sent`. */
static void propagate(struct weir_impair *im, const struct item *item, weir_time sent)
{
	weir_time at = sent + im->conf.delay_ns;

	if (im->conf.jitter_ns != 0)
		at += throw(im, PURPOSE_JITTER, item->number) % (im->conf.jitter_ns + 1);
	if (im->conf.jitter_order == WEIR_IMPAIR_ORDER_KEPT && at < im->leaves_last)
		at = im->leaves_last;
	if (item->flags & ITEM_HOLD && im->held_len < WEIR_IMPAIR_HELD_MAX) {
		hold(im, item, at);
		return;
	}
	im->leaves_last = at;
	let_go(im, item, at);
	pass_held(im, at);
}

/* --- The queue and the rate ---------------------------------------------------------------------
 */

static struct item *queue_head(struct weir_impair *im)
{
	return &im->items[im->queue_first];
}

static void queue_push(struct weir_impair *im, const struct item *item)
{
	im->items[(im->queue_first + im->queue_len) % im->conf.packets_max] = *item;
	im->queue_len++;
	im->queued += item->len;
}

static struct item queue_pop(struct weir_impair *im)
{
	struct item item = *queue_head(im);

	im->queue_first = (im->queue_first + 1) % im->conf.packets_max;
	im->queue_len--;
	im->queued -= item.len;
	return item;
}

/* When the packet at the head of the queue begins to be sent. */
static weir_time begin_of(const struct weir_impair *im)
{
	weir_time since = im->items[im->queue_first].at;

	return since > im->free_at ? since : im->free_at;
}

static void transmit(struct weir_impair *im, const struct item *item, weir_time begin)
{
	uint64_t work, waited = begin - item->at;

	im->stats.sojourn_sum_ns += waited;
	if (waited > im->stats.sojourn_max_ns)
		im->stats.sojourn_max_ns = waited;
	if (begin > im->free_at)
		im->remainder = 0;
	im->free_at = begin;
	if (im->conf.rate_bps != 0) {
		work = (uint64_t)item->len * 8u * NS_PER_S + im->remainder;
		im->free_at += work / im->conf.rate_bps;
		im->remainder = work % im->conf.rate_bps;
	}
	propagate(im, item, im->free_at);
}

static void mark(struct item *item, uint64_t *count)
{
	if (!(item->flags & ITEM_CE))
		(*count)++;
	item->flags |= ITEM_CE;
}

/* Takes the packet at the head: it is sent, or CoDel drops it. */
static void serve_head(struct weir_impair *im)
{
	weir_time begin = begin_of(im);
	struct item item = queue_pop(im);
	struct codel_packet p = {
		.sojourn_ns = begin - item.at,
		.behind = im->queued,
		.largest = im->largest,
		.mark = im->conf.codel_answer == WEIR_IMPAIR_ANSWER_MARK && item.flags & ITEM_ECT,
	};
	enum codel_answer answer = CODEL_SEND;

	if (im->conf.aqm == WEIR_IMPAIR_AQM_CODEL)
		answer = codel_decide(&im->codel, &p, begin);
	switch (answer) {
	case CODEL_DROP:
		im->stats.codel_drops++;
		item.flags = (item.flags & ~(uint32_t)ITEM_TWICE) | ITEM_DROPPED;
		let_go(im, &item, begin);
		return;
	case CODEL_MARK:
		mark(&item, &im->stats.marks_codel);
		break;
	case CODEL_SEND:
		break;
	}
	transmit(im, &item, begin);
}

static void serve(struct weir_impair *im, weir_time now)
{
	while (im->queue_len != 0 && begin_of(im) <= now)
		serve_head(im);
}

/* An idle link takes a packet at once, however small the queue is. */
static bool queue_is_full(const struct weir_impair *im, uint32_t len, weir_time now)
{
	const struct weir_impair_conf *c = &im->conf;

	if (im->queue_len == 0 && im->free_at <= now)
		return false;
	return (c->queue_bytes != 0 && im->queued + len > c->queue_bytes) ||
	       (c->queue_packets != 0 && im->queue_len + 1 > c->queue_packets);
}

/* --- For callers --------------------------------------------------------------------------------
 */

static enum weir_impair_verdict count(struct weir_impair *im, enum weir_impair_verdict v)
{
	im->stats.verdicts[v]++;
	return v;
}

/* What chance and the queue say. */
static enum weir_impair_verdict judge(struct weir_impair *im, uint32_t len, weir_time now,
				      uint64_t number)
{
	bool bad = find_bad(im, number);

	if (bad)
		return WEIR_IMPAIR_LOST_BURST;
	if (chance(im, PURPOSE_LOSS, number, im->conf.loss_ppm))
		return WEIR_IMPAIR_LOST;
	if (queue_is_full(im, len, now))
		return WEIR_IMPAIR_QUEUE_FULL;
	if (im->inside == im->conf.packets_max || len > WEIR_IMPAIR_LEN_MAX)
		return WEIR_IMPAIR_NO_ROOM;
	return WEIR_IMPAIR_ACCEPTED;
}

static void note_high_water(struct weir_impair *im)
{
	if (im->queued > im->stats.queue_bytes_high)
		im->stats.queue_bytes_high = im->queued;
	if (im->queue_len > im->stats.queue_packets_high)
		im->stats.queue_packets_high = im->queue_len;
}

enum weir_impair_verdict weir_impair_offer(struct weir_impair *im, uint32_t len,
					   enum weir_impair_ecn ecn, weir_time now, uint64_t id)
{
	struct item item = {.id = id, .at = now, .number = im->stats.packets, .len = len};
	enum weir_impair_verdict verdict;

	serve(im, now);
	im->stats.packets++;
	im->stats.bytes += len;
	verdict = judge(im, len, now, item.number);
	if (verdict != WEIR_IMPAIR_ACCEPTED)
		return count(im, verdict);
	if (ecn != WEIR_IMPAIR_NOT_ECT)
		item.flags |= ITEM_ECT;
	if (ecn == WEIR_IMPAIR_CE)
		item.flags |= ITEM_CE;
	if (item.flags & ITEM_ECT && im->conf.mark_bytes != 0 && im->queued > im->conf.mark_bytes)
		mark(&item, &im->stats.marks_queue);
	if (chance(im, PURPOSE_REORDER, item.number, im->conf.reorder_ppm))
		item.flags |= ITEM_HOLD;
	if (chance(im, PURPOSE_DUP, item.number, im->conf.dup_ppm))
		item.flags |= ITEM_TWICE;
	if (len > im->largest)
		im->largest = len;
	im->inside++;
	queue_push(im, &item);
	serve(im, now);
	note_high_water(im);
	return count(im, WEIR_IMPAIR_ACCEPTED);
}

/* Fills `out` for an item that left the path. */
static void report(struct weir_impair *im, const struct item *item, struct weir_impair_out *out)
{
	bool copy = (item->flags & ITEM_COPY) != 0;

	*out = (struct weir_impair_out){
		.id = item->id,
		.at = item->at,
		.len = item->len,
		.fate = WEIR_IMPAIR_LEAVES,
		.last = !(item->flags & ITEM_TWICE),
		.copy = copy,
		.ce = (item->flags & ITEM_CE) != 0,
		.corrupt = chance(im, copy ? PURPOSE_CORRUPT_COPY : PURPOSE_CORRUPT, item->number,
				  im->conf.corrupt_ppm),
		.late = !copy && item->number < im->newest,
		.noise = throw(im, PURPOSE_NOISE, item->number) + copy,
	};
	im->stats.out_packets++;
	im->stats.out_bytes += item->len;
	im->stats.copies += copy;
	im->stats.corrupted += out->corrupt;
	im->stats.late += out->late;
	if (item->number >= im->newest)
		im->newest = item->number + 1;
}

bool weir_impair_next(struct weir_impair *im, weir_time now, struct weir_impair_out *out)
{
	struct item item;

	serve(im, now);
	release_held(im, now);
	if (im->heap_len == 0 || heap_of(im)[0].at > now)
		return false;
	item = heap_pop(im);
	if (item.flags & ITEM_DROPPED)
		*out = (struct weir_impair_out){.id = item.id,
						.at = item.at,
						.len = item.len,
						.fate = WEIR_IMPAIR_DROPPED,
						.last = true};
	else
		report(im, &item, out);
	im->inside -= out->last;
	return true;
}

weir_time weir_impair_deadline(const struct weir_impair *im)
{
	const struct item *heap = im->items + im->conf.packets_max;
	weir_time deadline = im->heap_len != 0 ? heap[0].at : WEIR_NEVER, leaves;

	for (uint32_t i = 0; i < im->held_len; i++) {
		if (im->held[i].latest < deadline)
			deadline = im->held[i].latest;
	}
	if (im->queue_len == 0)
		return deadline;
	/* What CoDel drops is out at that moment, and what is behind it may be shorter. */
	leaves = begin_of(im);
	if (im->conf.aqm == WEIR_IMPAIR_AQM_CODEL)
		return leaves < deadline ? leaves : deadline;
	leaves += im->conf.delay_ns;
	if (im->conf.rate_bps != 0)
		leaves += (uint64_t)im->items[im->queue_first].len * 8u * NS_PER_S /
			  im->conf.rate_bps;
	return leaves < deadline ? leaves : deadline;
}

uint32_t weir_impair_inside(const struct weir_impair *im)
{
	return im->inside;
}

uint64_t weir_impair_queued(const struct weir_impair *im)
{
	return im->queued;
}

const struct weir_impair_stats *weir_impair_stats(const struct weir_impair *im)
{
	return &im->stats;
}

const char *weir_impair_verdict_name(enum weir_impair_verdict v)
{
	static const char *const names[WEIR_IMPAIR_VERDICTS] = {
		[WEIR_IMPAIR_ACCEPTED] = "accepted",     [WEIR_IMPAIR_LOST] = "lost",
		[WEIR_IMPAIR_LOST_BURST] = "lost-burst", [WEIR_IMPAIR_QUEUE_FULL] = "queue-full",
		[WEIR_IMPAIR_NO_ROOM] = "no-room",
	};

	return names[v];
}
