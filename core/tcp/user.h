/*
 * user.h: what the calls of RFC 9293 3.10.1 to 3.10.6 do to a connection, state by state.
 */
#ifndef WEIR_TCP_USER_H
#define WEIR_TCP_USER_H

#include "tcp/tcb.h"

/* WEIR_OK if more may be queued, WEIR_CLOSING, or why the connection ended. */
enum weir_err user_may_send(const struct tcb *t);

/* Bytes were queued: `flags` as weir_send() has them. */
void user_queued(struct tcb *t, struct tcp_env *env, uint32_t flags, weir_time now);

/* What peek says when there are no bytes: WEIR_AGAIN, WEIR_EOF or why the connection ended. */
enum weir_err user_nothing_to_read(const struct tcb *t);

/* Takes `len` readable bytes. */
void user_consume(struct tcb *t, struct tcp_env *env, uint32_t len, weir_time now);

/* Half-close. */
enum weir_err user_shutdown(struct tcb *t, struct tcp_env *env, weir_time now);

/* Close of both directions; t->want_rst tells that unread bytes made it an abort. */
enum weir_err user_close(struct tcb *t, struct tcp_env *env, weir_time now);

/* Does an abort in this state owe the peer an RST (3.10.5)? */
bool user_abort_owes_rst(const struct tcb *t);

/* One row of def/connopt.def; the value was checked against its range. */
void user_set(struct tcb *t, struct tcp_env *env, enum weir_connopt opt, uint64_t value);

#endif
