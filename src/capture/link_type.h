/*
 * The link types that kvreplay decodes. Private to this folder.
 */
#ifndef KVREPLAY_CAPTURE_LINK_TYPE_H
#define KVREPLAY_CAPTURE_LINK_TYPE_H

#include "net/packet.h"

struct link_type {
    int datalink;      /* libpcap's number in memory, DLT_ */
    uint16_t in_files; /* and in files, LINKTYPE_: https://www.tcpdump.org/linktypes.html */
    enum net_link link;
};

/* All of them, by `index` from 0. NULL: that were all. */
const struct link_type *link_type_at(size_t index);

/* NULL: it is not decoded. */
const struct link_type *link_type_of(int datalink);

#endif
