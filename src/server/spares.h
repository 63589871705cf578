/*
 * Memory put aside for libevent.
 *
 * bufferevent_openssl_new_impl of libevent 2.1.12 does not survive without memory: it frees a
 * bufferevent that bufferevent_init_common_ could not make (its be_ops are NULL), and it ignores
 * that evbuffer_add_cb had none, so that no answer would ever be sent. And be_openssl's do_read
 * leaves what OpenSSL has decrypted where it is, and nothing calls it again. So what malloc refuses
 * to libevent is taken from blocks that the thread has put aside before.
 */
#ifndef KVREPLAY_SERVER_SPARES_H
#define KVREPLAY_SERVER_SPARES_H

#include <stdbool.h>

/* Before any other call of libevent, and before there are threads. */
void spares_install(void);

/* Puts aside, for this thread, what one call of libevent may take. False: no memory. */
bool spares_fill(void);

/* Frees what this thread has put aside. */
void spares_free(void);

#endif
