/*
 * IP fragments: in which packets the bytes of a datagram lie that net_decode has put together.
 */
#ifndef KVREPLAY_ANONYMISE_PIECES_H
#define KVREPLAY_ANONYMISE_PIECES_H

#include "anonymise/layout.h"

/* One fragment's part of a datagram: what follows its IP header. */
struct ip_piece {
    uint32_t offset; /* in the datagram */
    uint32_t size;   /* as captured */
    uint64_t file_at;
};

/* A datagram as it was put together: what came first counts. */
struct ip_datagram {
    uint8_t protocol;   /* of the transport */
    uint32_t transport; /* where its header begins: behind IPv6's extension headers */
    uint32_t payload;   /* where that ends */
    uint32_t length;    /* of all of it */
    bool captured;      /* ... which is in the file */
    struct net_endpoint source;
    struct net_endpoint destination;
    struct ip_piece *pieces;
    size_t count;
};

struct pieces; /* of datagrams that are not whole */

struct pieces *pieces_create(void);
void pieces_destroy(struct pieces *pieces);

/* Remembers a fragment. False: no memory. */
bool pieces_add(struct pieces *pieces, const struct layout *layout, uint64_t file_at);

/*
 * The datagram became whole with the fragment added last: collects its pieces, in the order in
 * which they came, for the caller to free. False: no memory.
 */
bool pieces_take(struct pieces *pieces, const struct layout *last, const uint8_t *file,
                 struct ip_datagram *datagram);

/* Copies [from, from + size) of the datagram out of the file. Bytes not captured are left alone. */
void ip_datagram_read(const struct ip_datagram *datagram, const uint8_t *file, uint32_t from,
                      uint8_t *out, uint32_t size);

#endif
