#include "net/sum.h"

#include "base/endian.h"
#include "net/checksum.h"
#include "net/layers.h"

enum { CHECKSUM_AT = 16 };

enum net_sum net_segment_sum(const struct net_segment *segment)
{
    if (segment->transport.size < LEAST_TCP || segment->cut > 0) {
        return NET_SUM_UNKNOWN;
    }
    struct checksum sum = checksum_pseudo_header(&segment->source, &segment->destination, NET_TCP,
                                                 segment->transport.size);
    uint16_t there = read_be16(segment->transport.data + CHECKSUM_AT);
    uint16_t left_to_card = (uint16_t)~checksum_of(&sum); /* which adds the rest */
    checksum_add(&sum, segment->transport);
    if (checksum_of(&sum) == 0) {
        return NET_SUM_RIGHT;
    }
    return there == 0 || there == left_to_card ? NET_SUM_UNKNOWN : NET_SUM_WRONG;
}
