/*
 * What is known of a key, and of its item's value if that is not certain.
 */
#ifndef KVREPLAY_ENGINE_ITEM_H
#define KVREPLAY_ENGINE_ITEM_H

#include "base/span.h"

enum engine_knowledge {
    ENGINE_UNKNOWN, /* never seen (or forgotten); executes as if absent */
    ENGINE_ABSENT,  /* known not to be there: deleted, or expired, flushed */
    ENGINE_PRESENT,
};

/* What is certain of a doubtful item's value. */
enum engine_certainty {
    ENGINE_ANYTHING,    /* nothing is */
    ENGINE_SOME_NUMBER, /* it is digits, and blanks behind them */
    ENGINE_NUMBERS,     /* it is the number in `value` or one of `others`, with blanks behind it */
    ENGINE_ENDS, /* it begins as `value` does, for `head` bytes, and ends so, for `tail` bytes */
};

enum { ENGINE_OTHERS = 3 };

struct engine_certain {
    uint8_t kind;  /* enum engine_certainty */
    bool flags;    /* ENGINE_NUMBERS: its flags, too: 0, if it is one of `others` */
    uint8_t count; /* of `others` */
    union {
        uint64_t others[ENGINE_OTHERS]; /* a quiet counter may have made the item anew */
        struct {
            uint32_t head;
            uint32_t tail;
        };
    };
};

/* All that is known of a key at a time. The value is the engine's, valid until its next change. */
struct engine_item {
    enum engine_knowledge knowledge; /* the rest counts only for ENGINE_PRESENT */
    bool doubtful;                   /* the item is there, what it holds is a guess */
    struct engine_certain certain;   /* of a doubtful one */
    uint32_t flags;
    uint8_t datatype;
    struct span value;
    int64_t expires;     /* Unix time from which it is gone; 0: never */
    int64_t stored;      /* Unix time at which it was stored; 0, for seeding: now */
    uint64_t cas;        /* 0: not known (or the server has CAS disabled) */
    bool cas_unknown;    /* cas is one that the item had before, and can't have again; 0: none */
    bool expiry_unknown; /* it may expire at any time: `expires` is 0 */
    bool came_back;      /* a FLUSH had taken it, and another called that off: it may be gone */
};

#endif
