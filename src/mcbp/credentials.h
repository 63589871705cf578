/*
 * Which bytes of a frame may hold credentials: what SASL mechanisms say, in either direction, and
 * what a Couchbase server hands on of it with AUTHENTICATE, and the tokens and keys that its
 * administrators send. No report may show them.
 */
#ifndef KVREPLAY_MCBP_CREDENTIALS_H
#define KVREPLAY_MCBP_CREDENTIALS_H

#include "base/span.h"

/* `bytes` begin with a frame, which may be cut or have lengths that lie. Returns from where on they
 * may hold credentials: behind the name of the mechanism, if it is one; bytes.size if nowhere. */
size_t mcbp_credentials_begin(struct span bytes);

/* Writes asterisks over them; bytes[0..size) begin as above. */
void mcbp_credentials_hide(uint8_t *bytes, size_t size);

#endif
