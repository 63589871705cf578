/*
 * What a run found: counts per capture, and the first differences in full. Plain data, filled by
 * verify and read by the reports.
 */
#ifndef KVREPLAY_RESULT_RESULT_H
#define KVREPLAY_RESULT_RESULT_H

#include "mcbp/frame.h"
#include "net/packet.h"

/* A check of the frames a server sent. compared is identical + different. */
struct check_counts {
    uint64_t compared;
    uint64_t identical;
    uint64_t different;
};

/*
 * The executed check. compared + adopted + not_executed + ambiguous is the number of server frames.
 * What is missing or malformed is a difference too, but no frame of the server's.
 */
struct executed_counts {
    struct check_counts check;
    uint64_t adopted;      /* taught the store something new instead of being compared with it */
    uint64_t not_executed; /* no semantics here, or the request is not in the capture */
    uint64_t ambiguous;    /* right in another order or second than the one recorded */
    uint64_t missing;      /* answers that should have been there */
    uint64_t malformed;    /* places where the server's bytes are no frame though none were lost */
    uint64_t undecided;    /* answers (of `not_executed`) and silences of which no order of the
                              overlapping requests was found before the search was given up */
};

/* Races within memcached, among what is ambiguous: replay/race.h. */
enum race {
    RACE_LOST_ADD,       /* INCREMENT looked up, and then did not add */
    RACE_NEXT_CAS,       /* GET shows the CAS of the INCREMENT behind it */
    RACE_NUMBERED_EARLY, /* a change has a lower CAS than one that ran before it */
    RACES
};

/* Why a recorded answer was not compared with a live server's. */
enum not_compared {
    NOT_COMPARED_UDP,
    NOT_COMPARED_SERVERS,    /* what servers send of their own accord */
    NOT_COMPARED_NO_REQUEST, /* its request is not in the capture, or was not sent */
    NOT_COMPARED_CUT,        /* the connection broke, or was given up */
    NOT_COMPARED_LOGIN,      /* replay has logged in itself */
    NOT_COMPARED_BEFORE,     /* it differs, and depends on what was there before the capture */
    NOT_COMPARED_REASONS
};

/* Why a recorded request was not sent to a live server. */
enum not_sent {
    NOT_SENT_UDP,
    NOT_SENT_ANSWER, /* it is a client's answer to what a server asked */
    NOT_SENT_CLOSED, /* behind a malformed one on its connection, or when the run was given up */
    NOT_SENT_LIMIT,  /* enough had been sent */
    NOT_SENT_LOGIN,  /* replay has logged in itself */
    NOT_SENT_REASONS
};

/* What a server chooses as it likes and then holds to, so that replay translates it. */
enum bound_value {
    BOUND_CAS,
    BOUND_VBUCKET_UUID,
    BOUND_SEQNO, /* of a change in its vbucket */
    BOUND_SCAN,  /* a range scan's UUID */
    BOUND_COLLECTION,
    BOUND_SCOPE,
    BOUND_MANIFEST, /* its UID */
    BOUND_NUMBER,   /* one of those above, or of another kind, as text */
    BOUND_VALUES
};

/* Parts of answers that replay does not compare, since they are the server's own. */
enum own_part {
    OWN_DURATION,
    OWN_MAP,       /* of the cluster, or of errors */
    OWN_REFERENCE, /* an error's number, and the UID of the manifest */
    OWN_TIME,      /* a point in time, as far ahead as the recorded one was */
    OWN_HINT,      /* OBSERVE's, of how long persisting takes */
    OWN_RANDOM,    /* a random key, with its document */
    OWN_PARTS
};

/*
 * What replay compared. check.compared + missing + not_compared is the number of recorded server
 * frames, unless they are not what is compared with.
 */
struct live_counts {
    struct check_counts check;
    uint64_t missing;      /* answers that the server did not give */
    uint64_t unexpected;   /* answers and requests that it should not have sent, and connections
                              that it should have closed */
    uint64_t malformed;    /* connections on which it sent what is no frame */
    uint64_t not_compared; /* the sum of what follows */
    uint64_t not_compared_why[NOT_COMPARED_REASONS];
    uint64_t closed_on; /* among those broken off: a server closed in order before it answered */
    uint64_t not_sent[NOT_SENT_REASONS];
    uint64_t unframed;         /* places where a client's bytes are no frames; they are not sent */
    uint64_t servers_requests; /* what the live server sent of its own accord */
    uint64_t bound[BOUND_VALUES];
    uint64_t own[OWN_PARTS]; /* answers in which it was not the same */
};

/* Each captured transport payload byte is in exactly one class; they add up to total. */
struct ledger {
    uint64_t client_frames;
    uint64_t server_frames;
    uint64_t duplicate; /* retransmitted or overlapping */
    uint64_t unparsed;  /* before the first frame boundary, after a gap until the next, tails */
    uint64_t not_mcbp;  /* the sum of the three that follow it */
    uint64_t memcached_text;
    uint64_t tls;
    uint64_t other;
    uint64_t total;
    uint64_t lost;          /* beside the classes: known to be missing from the capture */
    uint64_t contradicting; /* of those unparsed: a stream has other bytes at their place, so that
                             * either they or the others are of another conversation */
};

enum { RESULT_STATUSES_MAX = 32 };

struct status_count {
    uint16_t status;
    uint64_t count;
};

/* One opcode's traffic, and how often each status was seen. */
struct opcode_counts {
    bool server; /* of magic 0x82 and 0x83; else, a client's or DCP's */
    uint8_t opcode;
    uint64_t requests;
    uint64_t responses;
    uint64_t not_executed;
    struct status_count *statuses; /* at most RESULT_STATUSES_MAX, in order of appearance */
    size_t statuses_count;
    uint64_t other_statuses; /* what found no place there */
};

/* The opcodes of a capture, which are few, in order of appearance. */
struct opcode_table { /* all zero to begin with */
    struct opcode_counts *counts;
    size_t count;
    size_t room;
};

/* The counts of an opcode, made if need be; NULL: no memory. Valid until the next are made. */
struct opcode_counts *opcode_table_at(struct opcode_table *table, bool server, uint8_t opcode);

/* The same of one that was seen; NULL: it was not. */
const struct opcode_counts *opcode_table_find(const struct opcode_table *table, bool server,
                                              uint8_t opcode);

enum difference_check { CHECK_REBUILT, CHECK_EXECUTED, CHECK_LIVE };

enum difference_kind {
    DIFFERENCE_FIELD,      /* a frame differs from its reference in `field` */
    DIFFERENCE_MISSING,    /* an answer that should be there is not */
    DIFFERENCE_UNEXPECTED, /* an answer that should not be there is */
    DIFFERENCE_MALFORMED,  /* the server's bytes are no frame */
    DIFFERENCE_REFUSED,    /* the writer returned an error or left a wrong number of bytes */
    DIFFERENCE_ORDER,      /* an answer comes behind that to a later request */
    DIFFERENCE_END,        /* a connection is open that should be closed, or the other way round */
};

/* The name of a kind in the reports: "field", "missing", ... */
const char *difference_kind_text(enum difference_kind kind);

enum {
    DIFFERENCE_EXCERPT = 32, /* bytes of each side around the first difference */
    DIFFERENCE_KEY_MAX = 250,
    DIFFERENCE_FIELD_SIZE = 40,
    DIFFERENCE_DETAIL_SIZE = 160,
};

/* Some bytes of a frame, for showing. */
struct excerpt {
    uint8_t bytes[DIFFERENCE_EXCERPT];
    size_t offset; /* of bytes[0] in the frame */
    size_t size;
    size_t frame_size;
};

struct difference {
    enum difference_check check;
    enum difference_kind kind;
    const char *capture; /* path; valid as long as the result */
    uint64_t packet;     /* that the response came in (missing: the request) */
    int64_t time;        /* of that packet, Unix nanoseconds */
    uint64_t connection;
    struct net_endpoint client;
    struct net_endpoint server;
    uint8_t magic;
    uint8_t opcode; /* of the response or, if it is missing, of the request */
    uint16_t status;
    uint32_t opaque;
    uint64_t request_packet; /* 0: there is no request to it */
    uint8_t request_magic;
    uint8_t request_opcode;
    uint32_t request_opaque;
    uint8_t key[DIFFERENCE_KEY_MAX];
    size_t key_size;                   /* of the request's key, cut to what fits */
    char field[DIFFERENCE_FIELD_SIZE]; /* "header.cas", "value+117"; empty where there is none */
    size_t field_offset;               /* of the first differing byte in the frame */
    char detail[DIFFERENCE_DETAIL_SIZE];
    bool taken_back;          /* it has turned out to be none; removed at the end of the capture */
    struct excerpt reference; /* what was recorded (or the reference's); size 0: nothing */
    struct excerpt built;     /* what the code under test built; size 0: nothing */
    bool withdrawn; /* something found later explains it; not among the results of a run */
};

/* The status of what the code under test built, or the live server sent. False: it is not known
 * here, since it differs only behind the header, or is no response. */
bool difference_built_status(const struct difference *difference, uint16_t *status);

/* Both frames are responses, and their statuses are not the same; no mask covers that. */
bool difference_statuses_differ(const struct difference *difference);

enum { UNDECIDED_KEYS_MAX = 8 };

/* The first keys with undecided answers, each once. */
struct undecided_key {
    uint8_t bytes[DIFFERENCE_KEY_MAX];
    size_t size; /* cut to what fits */
};

struct undecided_keys {         /* all zero to begin with */
    struct undecided_key *keys; /* at most UNDECIDED_KEYS_MAX */
    size_t count;
};

/* The worst wins, in the order of exit_rank. */
enum verify_status {
    VERIFY_IDENTICAL = 0,
    VERIFY_DIFFERENT = 1,
    VERIFY_USAGE = 2,
    VERIFY_UNREADABLE = 3,
    VERIFY_NO_EVIDENCE = 4,
    VERIFY_INTERNAL = 70,
};

struct capture_result {
    const char *path; /* the caller's; has to outlive the result */
    enum verify_status status;
    char *problem;    /* why it could not be read (to its end), or what evidence lacks; or NULL */
    bool interrupted; /* it was not read to its end */
    bool truncated;
    uint64_t packets;
    uint64_t dropped;     /* packets that, by what the file says, its recorder dropped */
    uint64_t connections; /* TCP connections and UDP endpoint pairs with payload */
    uint64_t servers;     /* stores of the executed check: one for each server endpoint */
    uint64_t client_frames;
    uint64_t server_frames;
    uint64_t unanswered; /* requests still open when the capture ended */
    uint64_t left;       /* connections, in the capture from SYN to both FINs, whose clients closed
                            first: their servers owed nothing */
    uint64_t midstream;  /* connections whose beginning is not in the capture */
    uint64_t skipped;    /* bytes before the first frame boundary, of `unparsed` */
    struct check_counts rebuilt;
    struct executed_counts executed;
    struct live_counts live;
    struct ledger ledger;
    uint64_t not_built;           /* responses, since the writer was given up; they are different */
    uint64_t cas_adopted;         /* CAS values bound to items */
    uint64_t durations_unchecked; /* answers with a server's duration, which is not compared */
    uint64_t recompressed;        /* values that were the same, but compressed in another way */
    uint64_t races[RACES];        /* of executed.ambiguous */
    uint64_t evictions;           /* misses accepted by --allow-eviction */
    uint64_t expired;             /* misses of items whose expiry time the capture does not show */
    uint64_t restarts;            /* of servers, while nobody was connected */
    uint64_t out_of_memory;       /* answers that the server had no memory */
    bool senders_unknown; /* of a connection that had begun before the capture: either side sends
                             what only clients send */
    struct undecided_keys undecided_keys;
    struct opcode_table opcodes;
};

/* There is one for each of what may be tens of thousands of captures. */
_Static_assert(sizeof(struct capture_result) <= 2048, "results of captures have to stay small");

/* Frees what it has; but for its own memory, which is the caller's. */
void capture_result_deinit(struct capture_result *capture);

struct verify_result {
    struct capture_result *captures;
    size_t captures_count;
    struct capture_result totals;   /* path NULL */
    struct difference *differences; /* the first ones, in order of discovery */
    size_t differences_count;
    size_t differences_max; /* how many are kept */
    bool interrupted;       /* not all captures were read, or not to their ends */
    uint64_t *mask_hits;    /* by mask: frames that are identical only because of it */
    enum verify_status status;
};

/* Returns the worse of two: 70, 3, 4, 1, 0 in that order. */
enum verify_status verify_status_worse(enum verify_status a, enum verify_status b);

/* The worst status stands, with the first problem that was named. */
void capture_result_worsen(struct capture_result *capture, enum verify_status status,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

/* False: no memory. */
bool verify_result_init(struct verify_result *result, size_t captures_max, size_t differences_max,
                        size_t masks);
void verify_result_deinit(struct verify_result *result);

/* Sums the captures up into totals and the overall status. */
void verify_result_total(struct verify_result *result);

/* Notes the key of an undecided answer, if it is new and there is room. */
void undecided_keys_add(struct undecided_keys *keys, struct span key);

enum { LOSS_TEXT_SIZE = 120 };

/*
 * What is missing from the capture, or contradicts it, written to `text`, if it is more than
 * `max_loss` bytes (UINT64_MAX: any); NULL otherwise. How many bytes were in dropped packets is not
 * known: only "any" accepts those.
 */
const char *capture_loss_text(const struct capture_result *capture, uint64_t max_loss,
                              char text[LOSS_TEXT_SIZE]);

/* Counts one frame of an opcode. */
void opcode_counts_add_status(struct opcode_counts *counts, uint16_t status, uint64_t count);

/* Classes that add up to the total; what a debug build asserts and a test checks. */
bool ledger_adds_up(const struct ledger *ledger);

#endif
