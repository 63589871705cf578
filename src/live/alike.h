/*
 * JSON texts of two servers that say the same, but for what each says of itself.
 */
#ifndef KVREPLAY_LIVE_ALIKE_H
#define KVREPLAY_LIVE_ALIKE_H

#include "base/span.h"

/* They are the same bytes, but for the values, strings or numbers, of members with one of the
 * `names`, which end with NULL. Whether they are JSON is not looked at. */
bool json_alike(struct span a, struct span b, const char *const *names);

#endif
