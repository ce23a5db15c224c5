/*
 * origin_http.h: what the origin answers, apart from how its connections are made.
 */
#ifndef GATE_ORIGIN_HTTP_H
#define GATE_ORIGIN_HTTP_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "digest.h"
#include "origin.h"

/* One connection of the origin; owned by the caller of gate_origin_connect() and by the server. */
struct gate_origin_link {
	atomic_uint owners;
	atomic_bool reset;
	int fd;                        /* the server's end, until the server has taken it */
	struct gate_origin_link *next; /* in gate_origin.waiting */
};

struct gate_origin {
	struct MHD_Daemon *server;
	struct gate_digest_cache *digests;
	pthread_mutex_t lock;
	pthread_cond_t stop; /* wakes those who wait in /slow */
	bool stopping;
	struct gate_origin_link *waiting; /* links that the server has not taken yet */
};

/* Waits `ms` milliseconds, or until the origin stops. */
void gate_origin_wait(struct gate_origin *o, uint64_t ms);

/* MHD_AccessHandlerCallback and MHD_RequestCompletedCallback; `cls` is the gate_origin. */
enum MHD_Result gate_origin_answer(void *cls, struct MHD_Connection *c, const char *url,
				   const char *method, const char *version, const char *data,
				   size_t *len, void **state);
void gate_origin_answered(void *cls, struct MHD_Connection *c, void **state,
			  enum MHD_RequestTerminationCode why);

#endif
