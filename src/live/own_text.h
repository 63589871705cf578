/*
 * A server's own values in text: what extended attributes show of a document, and macros that
 * requests had expanded.
 */
#ifndef KVREPLAY_LIVE_OWN_TEXT_H
#define KVREPLAY_LIVE_OWN_TEXT_H

#include "live/translation.h"

/* Puts numbers of `b`, the server's text, into `a`, a part of the reference: strings of "0x" and 16
 * hexadecimal digits that stand for each other, and points in time that are as late as the rest. */
void own_translate_text(struct translation *t, struct span a, struct span b);

/* Points in Unix time, in seconds, that differ by as much as what happens is later than it was. */
bool own_is_as_late(const struct translation *t, uint64_t there, uint64_t here);

#endif
