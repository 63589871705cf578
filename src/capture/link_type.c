#include "capture/link_type.h"

#include <pcap/pcap.h>

static const struct link_type types[] = {
    {DLT_EN10MB, 1, NET_LINK_ETHERNET},   {DLT_LINUX_SLL, 113, NET_LINK_SLL},
    {DLT_LINUX_SLL2, 276, NET_LINK_SLL2}, {DLT_NULL, 0, NET_LINK_NULL},
    {DLT_LOOP, 108, NET_LINK_LOOP},       {DLT_RAW, 101, NET_LINK_RAW},
    {DLT_IPV4, 228, NET_LINK_RAW},        {DLT_IPV6, 229, NET_LINK_RAW},
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

const struct link_type *link_type_at(size_t index)
{
    return index < TYPES ? &types[index] : NULL;
}

const struct link_type *link_type_of(int datalink)
{
    for (size_t i = 0; i < TYPES; i++) {
        if (types[i].datalink == datalink) {
            return &types[i];
        }
    }
    return NULL;
}
