/*
 * random.c: secrets and the clock from the operating system.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "weir/loop.h"

void weir_random_keys(struct weir_config *cfg)
{
	uint8_t keys[sizeof(cfg->hash_key) + sizeof(cfg->isn_key)];

	/* Up to 256 bytes come whole or not at all. Without a random source there is no way to go
	 * on: weak keys would look like good ones. */
	if (getrandom(keys, sizeof(keys), 0) != (ssize_t)sizeof(keys))
		abort();
	memcpy(cfg->hash_key, keys, sizeof(cfg->hash_key));
	memcpy(cfg->isn_key, keys + sizeof(cfg->hash_key), sizeof(cfg->isn_key));
	explicit_bzero(keys, sizeof(keys));
}

weir_time weir_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (weir_time)ts.tv_sec * 1000000000u + (weir_time)ts.tv_nsec;
}
