/*
 * The embedded store: executes requests as memcached 1.6 does over its binary protocol, and answers
 * with response descriptions. No I/O, no clock of its own, no threads: every call takes the time.
 *
 * For replaying a capture it can also be told what the recorded server knew (seed), what nobody
 * knows any more (forget), and can take its last step back (undo), so that a caller may try one
 * explanation of a recorded answer after the other.
 *
 * Not thread safe: one engine belongs to one thread at a time.
 */
#ifndef KVREPLAY_ENGINE_ENGINE_H
#define KVREPLAY_ENGINE_ENGINE_H

#include "mcbp/frame.h"
#include "response/kvresponse.h"

struct engine;

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

/* NULL if memory could not be had. `options` NULL: a replay with memcached's defaults. */
struct engine *engine_create(const struct engine_options *options);
void engine_destroy(struct engine *engine);

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
    bool cas_unknown; /* responses[0].cas is not known: a quiet mutation's CAS was never seen */
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
    int64_t now;
    uint64_t cas; /* own_cas false: the CAS that a successful mutation gets; 0: not known */
};

/*
 * True if the value of such a request is looked at. Of one that is not, and of one that is longer
 * than item_size_max, engine_execute needs only the size: the span's bytes need not be there yet.
 */
bool engine_reads_value(uint8_t opcode);

/*
 * Executes one request. What it did to the key's item can be taken back by engine_undo until the
 * next call that changes the engine.
 */
void engine_execute(struct engine *engine, const struct engine_request *request,
                    struct engine_answer *answer);

/*
 * Takes back what the last engine_execute did to its key's item; does nothing if there is nothing
 * to take back. FLUSH can't be taken back.
 */
void engine_undo(struct engine *engine);

/* ------------------------------------------------- what is known of a key, for replaying */

enum engine_knowledge {
    ENGINE_UNKNOWN, /* never seen (or forgotten); executes as if absent */
    ENGINE_ABSENT,  /* known not to be there: deleted, or expired, flushed */
    ENGINE_PRESENT,
};

/* All that is known of a key at a time. The value is the engine's, valid until its next change. */
struct engine_item {
    enum engine_knowledge knowledge; /* the rest counts only for ENGINE_PRESENT */
    bool doubtful;                   /* the item is there, what it holds is a guess */
    bool number_told; /* doubtful, but the value is known as a number: how it is padded and the
                         flags are not */
    uint32_t flags;
    uint8_t datatype;
    struct span value;
    int64_t expires; /* Unix time from which it is gone; 0: never */
    uint64_t cas;    /* 0: not known (or the server has CAS disabled) */
    bool cas_unknown;
};

/* `now` decides whether the item has expired or was flushed (then: ENGINE_ABSENT). */
void engine_look(struct engine *engine, struct span key, int64_t now, struct engine_item *item);

/*
 * Puts the item there as given (or removes it, if knowledge says so), whatever was there before, as
 * of the time last passed to engine_execute. Copies the value. False: no memory, nothing changed.
 */
bool engine_seed(struct engine *engine, struct span key, const struct engine_item *item);

/* The item's CAS has been seen: it is known from here on. Does nothing if there is no item. */
void engine_bind_cas(struct engine *engine, struct span key, uint64_t cas);

/* The key is ENGINE_UNKNOWN from here on, until it is written, deleted or flushed. */
void engine_forget(struct engine *engine, struct span key);

/* All keys are ENGINE_UNKNOWN from here on, in constant time; a pending delayed flush is dropped.
 */
void engine_forget_all(struct engine *engine);

/*
 * The second from which on a delayed flush takes (or took) effect, if the last FLUSH was one; 0: it
 * was not. With memcached that is one second before the time asked for, and what is stored within
 * that second is flushed too.
 */
int64_t engine_flush_time(const struct engine *engine);

/* Items held, those evicted so far, and the bytes that all takes with the store's overhead. */
size_t engine_item_count(const struct engine *engine);
uint64_t engine_evictions(const struct engine *engine);
size_t engine_memory(const struct engine *engine);

#endif
