/*
 * What an engine is made with, what it is asked and what it answers.
 */
#ifndef KVREPLAY_ENGINE_REQUEST_H
#define KVREPLAY_ENGINE_REQUEST_H

#include "kvresponse/kvresponse.h"
#include "mcbp/frame.h"

struct engine_options {
    size_t item_size_max;  /* memcached's -I, bytes; 0: 1 MiB */
    size_t item_chunk_max; /* memcached's -o slab_chunk_max, bytes; 0: 512 KiB. A larger item is no
                              number to INCREMENT and DECREMENT, whatever it holds */
    int64_t started;       /* Unix time at which the server's own clock stood at 0 (memcached: 62 s
                              before its start); 0: not known. A FLUSH for a time at or before that
                              calls earlier ones off */
    const char *version;   /* what VERSION answers, must outlive the engine; NULL: kvreplay's own */
    bool own_cas;          /* true: the engine hands out CAS values itself (a live server).
                              false: the caller passes the CAS of each mutation (a replay) */
    /*
     * Bytes that items may take, with the store's overhead; 0: no limit. What was not used for
     * longest makes room, between requests: during one there may be an item too many. Only with
     * own_cas: an item evicted is not known of any more.
     */
    size_t memory_max;
    /*
     * Responses name the owner of an item's value. Who retains it may refer to the value until he
     * releases it, which has to be before the engine is destroyed, whatever happens to the item.
     */
    bool lend_values;
};

enum engine_verdict {
    ENGINE_ANSWERED,     /* answer->responses has the answer, one frame or (STAT) several */
    ENGINE_SILENT,       /* nothing may be sent: a quiet command that succeeded or missed, or a
                            request that memcached closes the connection upon */
    ENGINE_NO_SEMANTICS, /* memcached knows no such command; responses has its "Unknown command"
                            answer, for callers that are memcached */
    ENGINE_NO_MEMORY,    /* the store could not get memory; nothing has changed */
};

struct engine_answer {
    enum engine_verdict verdict;
    const struct kvr_response *responses; /* they point into the engine and into the request, and
                                             are valid until the next call on the engine, as long
                                             as the request's bytes are */
    size_t count;
    bool close;       /* the server closes the connection after this answer (or silence) */
    bool cas_unknown; /* a quiet mutation's CAS was never seen: responses[0].cas is one that it is
                         not, 0: none is known */
    bool cas_assumed; /* the request's CAS met an item whose CAS is not known, and was taken to be
                         the same */
    bool number_doubtful; /* INCREMENT or DECREMENT of a number of 2^63 or more: memcached may as
                             well answer DELTA_BAD_VALUE and leave the item, depending on whether
                             there is a '-' in the memory behind it */
    /*
     * Where memcached goes on reading is not always the end of the frame. It then takes the bytes
     * there for the next request, whatever they are. At most one of the two is not 0.
     */
    uint32_t overread; /* bytes after the frame that are swallowed with it: an unknown command's
                          extras and key are counted twice */
    uint32_t unread; /* bytes at the end of the frame that are left: the value of TOUCH, GAT, GATK,
                        their quiet forms and STAT, which should have none */
};

/* Time is Unix time in seconds. */
struct engine_request {
    const struct mcbp_frame *frame; /* a client request (magic 0x80); one that came to
                                       MCBP_BAD_LENGTHS has only its header set, the spans empty */
    bool bad_lengths;               /* framing extras + extras + key are longer than the body */
    /*
     * Somebody still refers to the item: a response with its value that waits to be sent, on
     * whatever connection, or memcached's LRU thread, for a while after the item was read twice.
     * INCREMENT and DECREMENT then make a new item that is as long as the number, instead of
     * overwriting the old one and padding it with spaces. A capture does not show which it was.
     */
    bool referenced;
    /*
     * Whether the key's item is there is not certain. INCREMENT and DECREMENT, which succeed in
     * either case, leave an item that is doubtful.
     */
    bool uncertain;
    /* The server has no memory for a new item: requests that need one are answered so. */
    bool out_of_memory;
    /* It had some, but not for all of a value that it keeps in chunks: what SET meant to replace
     * stays. */
    bool out_of_memory_late;
    /* The server keeps no CAS values (memcached -C): requests that store do so whatever CAS they
     * name, and others that name one never meet it. */
    bool without_cas;
    /* A number of 2^63 or more is refused, see number_doubtful. */
    bool minus_behind;
    int64_t now;
    int64_t stored; /* when it came, of which an item that it stores keeps track; 0: `now`. They
                       differ where the server's clock is taken to be early or late */
    int64_t counts_from; /* expiry times in seconds do; 0: `now` */
    uint64_t cas;        /* own_cas false: the CAS that a successful mutation gets; 0: not known */
};

#endif
