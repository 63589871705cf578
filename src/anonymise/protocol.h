/*
 * Texts of Couchbase's protocol: cluster configurations, manifests of collections, errors, scans,
 * agents. Kept are the words of the protocol itself, a list, and numbers; hosts, buckets, scopes,
 * collections, users and what else is said are replaced as names (text.h).
 */
#ifndef KVREPLAY_ANONYMISE_PROTOCOL_H
#define KVREPLAY_ANONYMISE_PROTOCOL_H

#include "anonymise/keys.h"

/* False: it is not JSON, and has not changed. Bounds of scans become what keys become. */
bool protocol_replace_json(const struct keys *keys, uint8_t *bytes, size_t size);

/* Adds the bounds of a scan to the keys. */
void protocol_note_bounds(struct keys *keys, struct span value);

/* A name, or several: "scope.collection", "host:port". */
void protocol_replace_names(struct secret *secret, uint8_t *bytes, size_t size);

/* Whether that is what GET_ERROR_MAP is answered with: JSON with no other names than that has. */
bool protocol_is_error_map(struct span value);

#endif
