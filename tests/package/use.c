/*
 * use.c: a program that uses libweir as installed: makes a stack, opens a connection and sees the
 * SYN.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weir/link.h>
#include <weir/loop.h>
#include <weir/sink.h>
#include <weir/trace.h>
#include <weir/weir.h>

static const struct weir_addr ours = {4, {10, 0, 0, 1}};

int main(void)
{
	struct weir_connect_args args = {.remote = {{4, {10, 0, 0, 2}}, 80}};
	struct weir_config cfg;
	struct weir_packet packet;
	struct weir_stack *stack;
	weir_conn conn;
	size_t len;
	void *mem;

	weir_config_default(&cfg);
	weir_random_keys(&cfg);
	cfg.pages_max = 64;
	len = weir_stack_bytes(&cfg);
	mem = aligned_alloc(64, (len + 63) / 64 * 64);
	if (mem == NULL || weir_stack_init(&stack, mem, len, &cfg, weir_now()) != WEIR_OK)
		return 1;
	if (weir_addr_add(stack, &ours, 24) != WEIR_OK)
		return 2;
	if (weir_connect(stack, &args, weir_now(), &conn) != WEIR_OK)
		return 3;
	if (!weir_output(stack, &packet, weir_now()) || packet.head_len < 40)
		return 4;
	if (packet.head[packet.l4_start + 13] != WEIR_TCP_SYN)
		return 5;
	free(mem);
	puts("SYN");
	return 0;
}
