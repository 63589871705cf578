#include "shadow/dcp.h"

#include "base/endian.h"
#include "mcbp/frame_info.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <stdlib.h>

enum {
    NO_ID = -1,
    ID_UNKNOWN = -2,
    PLACES = 1024,          /* as many as a bucket has vbuckets */
    STREAMS_OF_A_PLACE = 64 /* a client asks for one of a vbucket, or for a few that ids tell */
};

enum phase {
    ASKED,     /* granted; no snapshot has been announced */
    ORDERED,   /* in a snapshot */
    UNORDERED, /* in one whose changes come in any order */
    BETWEEN,   /* behind such a one */
    UNKNOWN,   /* any of these */
    ENDED,
};

struct stream {
    struct stream *next;
    uint16_t vbucket;
    int32_t id; /* in the frame infos; NO_ID: there is none */
    uint32_t opaque;
    enum phase phase;
    bool has_last;
    uint64_t last; /* the highest number that it has told in order, or that the client had before */
    bool has_snapshot;
    uint64_t start; /* of the snapshot, both ends included */
    uint64_t end;
};

struct shadow_dcp {
    bool whole; /* there are no streams but these */
    struct stream *places[PLACES];
};

struct shadow_dcp *shadow_dcp_create(bool whole)
{
    struct shadow_dcp *dcp = calloc(1, sizeof(*dcp));
    if (dcp != NULL) {
        dcp->whole = whole;
    }
    return dcp;
}

static void drop_all(struct stream **streams)
{
    while (*streams != NULL) {
        struct stream *stream = *streams;
        *streams = stream->next;
        free(stream);
    }
}

void shadow_dcp_lost(struct shadow_dcp *dcp)
{
    dcp->whole = false;
    for (size_t i = 0; i < PLACES; i++) {
        drop_all(&dcp->places[i]);
    }
}

void shadow_dcp_destroy(struct shadow_dcp *dcp)
{
    if (dcp != NULL) {
        shadow_dcp_lost(dcp);
        free(dcp);
    }
}

/* ---------------------------------------------------------------- which stream it is */

static struct stream **place_of(struct shadow_dcp *dcp, uint16_t vbucket)
{
    return &dcp->places[vbucket % PLACES];
}

static int32_t id_of(const struct mcbp_frame *frame)
{
    struct span rest = frame->framing_extras;
    struct mcbp_frame_info info;
    uint16_t id;
    while (mcbp_frame_info_next(&rest, &info)) {
        if (info.id == MCBP_FRAME_INFO_DCP_STREAM_ID && mcbp_frame_info_number(&info, &id)) {
            return id;
        }
    }
    return NO_ID;
}

/* What was asked for tells its id with its first message. */
static struct stream *find(struct shadow_dcp *dcp, const struct mcbp_frame *message)
{
    uint16_t vbucket = message->header.vbucket_or_status;
    int32_t id = id_of(message);
    struct stream *unknown = NULL;
    for (struct stream *stream = *place_of(dcp, vbucket); stream != NULL; stream = stream->next) {
        if (stream->vbucket != vbucket || stream->opaque != message->header.opaque) {
            continue;
        }
        if (stream->id == id) {
            return stream;
        }
        unknown = stream->id == ID_UNKNOWN ? stream : unknown;
    }
    if (unknown != NULL) {
        unknown->id = id;
    }
    return unknown;
}

static void drop_ended(struct shadow_dcp *dcp, uint16_t vbucket)
{
    struct stream **at = place_of(dcp, vbucket);
    while (*at != NULL) {
        struct stream *stream = *at;
        if (stream->vbucket == vbucket && stream->phase == ENDED) {
            *at = stream->next;
            free(stream);
        } else {
            at = &stream->next;
        }
    }
}

/* Room for one more; what has to go for it may go on all the same. */
static void make_room(struct shadow_dcp *dcp, struct stream **at)
{
    for (unsigned count = 1; *at != NULL; count++) {
        if (count == STREAMS_OF_A_PLACE) {
            dcp->whole = false;
            drop_all(at);
            return;
        }
        at = &(*at)->next;
    }
}

/* NULL: no memory. */
static struct stream *add(struct shadow_dcp *dcp, uint16_t vbucket, int32_t id, uint32_t opaque)
{
    struct stream **at = place_of(dcp, vbucket);
    struct stream *stream = calloc(1, sizeof(*stream));
    if (stream != NULL) {
        make_room(dcp, at);
        stream->vbucket = vbucket;
        stream->id = id;
        stream->opaque = opaque;
        stream->phase = UNKNOWN;
        stream->next = *at;
        *at = stream;
    }
    return stream;
}

/* ---------------------------------------------------------------- asked for */

/* The vbucket has another one with that opaque: then it is their ids that tell them apart, and
 * nobody knows yet which is which. */
static bool has_namesake(struct shadow_dcp *dcp, const struct mcbp_header *request)
{
    bool has = false;
    for (struct stream *stream = *place_of(dcp, request->vbucket_or_status); stream != NULL;
         stream = stream->next) {
        if (stream->vbucket == request->vbucket_or_status && stream->opaque == request->opaque) {
            stream->phase = UNKNOWN;
            stream->has_last = stream->has_snapshot = false;
            has = true;
        }
    }
    return has;
}

/* Behind flags and 4 bytes that are reserved, the last change that the client has. */
static bool begin(struct shadow_dcp *dcp, const struct mcbp_frame *request)
{
    enum { SIZE = 48, START_AT = 8, FROM_LATEST = 0x40 };
    uint16_t vbucket = request->header.vbucket_or_status;
    drop_ended(dcp, vbucket);
    bool is_clear = request->extras.size == SIZE && !has_namesake(dcp, &request->header);
    struct stream *stream = add(dcp, vbucket, ID_UNKNOWN, request->header.opaque);
    if (stream != NULL && is_clear) {
        stream->phase = ASKED;
        stream->has_last = (read_be32(request->extras.data) & FROM_LATEST) == 0;
        stream->last = read_be64(request->extras.data + START_AT);
    }
    return stream != NULL;
}

/* What waits to be sent may come yet, and its end, if the client wants to be told. */
static void close_stream(struct shadow_dcp *dcp, const struct mcbp_frame *request)
{
    int32_t id = id_of(request);
    uint16_t vbucket = request->header.vbucket_or_status;
    for (struct stream *stream = *place_of(dcp, vbucket); stream != NULL; stream = stream->next) {
        if (stream->vbucket == vbucket && (stream->id == id || stream->id == ID_UNKNOWN) &&
            stream->phase != ENDED) {
            stream->phase = UNKNOWN;
        }
    }
}

bool shadow_dcp_is_about(uint8_t opcode)
{
    return opcode == MCBP_DCP_STREAM_REQ || opcode == MCBP_DCP_CLOSE_STREAM;
}

bool shadow_dcp_note_answer(struct shadow_dcp *dcp, const struct mcbp_frame *request,
                            const struct mcbp_frame *answer)
{
    if (answer->header.vbucket_or_status != MCBP_STATUS_SUCCESS) {
        return true;
    }
    if (request == NULL) {
        shadow_dcp_lost(dcp);
    } else if (answer->header.opcode == MCBP_DCP_STREAM_REQ) {
        return begin(dcp, request);
    } else {
        close_stream(dcp, request);
    }
    return true;
}

/* ---------------------------------------------------------------- faults */

/* One message is wrong once: what follows from it is unknown until a snapshot is announced. */
static enum shadow_dcp_verdict refuse(struct stream *stream, struct shadow_dcp_fault *fault,
                                      const char *why)
{
    stream->phase = UNKNOWN;
    fault->why = why;
    return SHADOW_DCP_UNEXPECTED;
}

static enum shadow_dcp_verdict refuse_number(struct shadow_dcp_fault *fault, const char *why,
                                             size_t offset, uint64_t number)
{
    *fault = (struct shadow_dcp_fault){why, offset, number};
    return SHADOW_DCP_WRONG_NUMBER;
}

/* ---------------------------------------------------------------- snapshots */

/* `start`, `end`: where the numbers are. False: in a form that nobody knows. */
static bool find_range(const struct mcbp_frame *marker, const uint8_t **start)
{
    enum { PLAIN = 20, VERSION = 1, VERSION_0 = 36, VERSION_2 = 52 };
    if (marker->extras.size == PLAIN) {
        *start = marker->extras.data;
        return true;
    }
    *start = marker->value.data;
    return marker->extras.size == VERSION &&
           ((marker->extras.data[0] == 0 && marker->value.size == VERSION_0) ||
            (marker->extras.data[0] == 2 && marker->value.size == VERSION_2));
}

/* Snapshots may begin at what the client has, and, of replicas, before the last one has ended;
 * but none lies behind what has been sent, or ends before the last one. */
static enum shadow_dcp_verdict check_range(const struct stream *stream,
                                           const struct mcbp_frame *marker, const uint8_t *range,
                                           struct shadow_dcp_fault *fault)
{
    uint64_t start = read_be64(range);
    uint64_t end = read_be64(range + 8);
    size_t offset = (size_t)(range - marker->bytes.data);
    if (start > end) {
        return refuse_number(fault, "the snapshot ends before it begins", offset, end);
    }
    if (stream->has_snapshot && end < stream->end) {
        return refuse_number(fault, "the snapshot before it has a higher end", offset + 8,
                             stream->end);
    }
    if (stream->has_last && start < stream->last && end <= stream->last) {
        return refuse_number(fault, "the client has had all of the snapshot before", offset + 8,
                             stream->last + 1);
    }
    return SHADOW_DCP_RIGHT;
}

static enum shadow_dcp_verdict judge_marker(struct stream *stream, const struct mcbp_frame *marker,
                                            struct shadow_dcp_fault *fault)
{
    const uint8_t *range;
    if (!find_range(marker, &range)) {
        stream->phase = UNKNOWN;
        stream->has_snapshot = false;
        return SHADOW_DCP_RIGHT;
    }
    enum shadow_dcp_verdict verdict = check_range(stream, marker, range, fault);
    stream->has_snapshot = verdict == SHADOW_DCP_RIGHT;
    stream->phase = stream->has_snapshot ? ORDERED : UNKNOWN;
    stream->start = read_be64(range);
    stream->end = read_be64(range + 8);
    return verdict;
}

/* Begins and ends a snapshot in any order. What is kept of the past of a collection may follow it,
 * with lower numbers. Source: active_stream.cc, nextQueuedItem and markDiskSnapshot. */
static enum shadow_dcp_verdict judge_unordered(struct stream *stream,
                                               const struct mcbp_frame *message,
                                               struct shadow_dcp_fault *fault)
{
    enum { SIZE = 4, BEGINS = 1, ENDS = 2 };
    uint32_t flags = message->extras.size == SIZE ? read_be32(message->extras.data) : 0;
    if (flags == ENDS && stream->phase != UNORDERED && stream->phase != UNKNOWN) {
        return refuse(stream, fault, "no snapshot without an order has begun");
    }
    stream->phase = flags == BEGINS ? UNORDERED : flags == ENDS ? BETWEEN : UNKNOWN;
    stream->has_last = stream->has_snapshot = false;
    return SHADOW_DCP_RIGHT;
}

/* ---------------------------------------------------------------- changes */

/* Where its number is; NULL: it has none. A commit and an abort first tell the number of what was
 * prepared. */
static const uint8_t *find_seqno(const struct mcbp_frame *message)
{
    uint8_t opcode = message->header.opcode;
    bool second = opcode == MCBP_DCP_COMMIT || opcode == MCBP_DCP_ABORT;
    switch (opcode) {
    case MCBP_DCP_MUTATION:
    case MCBP_DCP_DELETION:
    case MCBP_DCP_EXPIRATION:
    case MCBP_DCP_SYSTEM_EVENT:
    case MCBP_DCP_PREPARE:
    case MCBP_DCP_COMMIT:
    case MCBP_DCP_ABORT:
    case MCBP_DCP_SEQNO_ADVANCED:
        return message->extras.size >= (second ? 16 : 8) ? message->extras.data + (second ? 8 : 0)
                                                         : NULL;
    default:
        return NULL;
    }
}

/* That the numbers have gone on, to one that the client is not sent, may be told before a snapshot
 * is announced, and twice. Source: active_stream.cc, backfillFilteredItem. */
static enum shadow_dcp_verdict check_change(struct stream *stream, const struct mcbp_frame *message,
                                            const uint8_t *at, struct shadow_dcp_fault *fault)
{
    uint64_t seqno = read_be64(at);
    size_t offset = (size_t)(at - message->bytes.data);
    bool advances = message->header.opcode == MCBP_DCP_SEQNO_ADVANCED;
    if (stream->phase != ORDERED && !advances) {
        return refuse(stream, fault, "no snapshot was announced that it is in");
    }
    if (stream->has_last && seqno <= stream->last && !(advances && seqno == stream->last)) {
        uint64_t last = stream->last;
        stream->last = seqno;
        return refuse_number(fault, "its number is not higher than that of the change before it",
                             offset, last + 1);
    }
    if (!advances && (seqno < stream->start || seqno > stream->end)) {
        stream->phase = UNKNOWN;
        return refuse_number(fault, "its number is not in the snapshot that was announced", offset,
                             seqno < stream->start ? stream->start : stream->end);
    }
    return SHADOW_DCP_RIGHT;
}

static enum shadow_dcp_verdict judge_change(struct stream *stream, const struct mcbp_frame *message,
                                            struct shadow_dcp_fault *fault)
{
    const uint8_t *at = find_seqno(message);
    if (at == NULL || stream->phase == UNKNOWN || stream->phase == UNORDERED) {
        return SHADOW_DCP_RIGHT;
    }
    enum shadow_dcp_verdict verdict = check_change(stream, message, at, fault);
    uint64_t seqno = read_be64(at);
    if (verdict == SHADOW_DCP_RIGHT) {
        stream->has_last = true;
        stream->last = seqno;
    }
    return verdict;
}

/* ---------------------------------------------------------------- messages */

static enum shadow_dcp_verdict judge_of(struct stream *stream, const struct mcbp_frame *message,
                                        struct shadow_dcp_fault *fault)
{
    if (stream->phase == ENDED) {
        return refuse(stream, fault, "its stream has ended before");
    }
    switch (message->header.opcode) {
    case MCBP_DCP_STREAM_END:
        stream->phase = ENDED;
        return SHADOW_DCP_RIGHT;
    case MCBP_DCP_SNAPSHOT_MARKER:
        return judge_marker(stream, message, fault);
    case MCBP_DCP_OSO_SNAPSHOT:
        return judge_unordered(stream, message, fault);
    default:
        return judge_change(stream, message, fault);
    }
}

enum shadow_dcp_verdict shadow_dcp_judge(struct shadow_dcp *dcp, const struct mcbp_frame *message,
                                         struct shadow_dcp_fault *fault)
{
    struct stream *stream = find(dcp, message);
    if (stream != NULL) {
        return judge_of(stream, message, fault);
    }
    bool whole = dcp->whole;
    stream = add(dcp, message->header.vbucket_or_status, id_of(message), message->header.opaque);
    if (stream == NULL) {
        return SHADOW_DCP_NO_MEMORY;
    }
    return whole ? refuse(stream, fault, "no stream of its vbucket and opaque was asked for")
                 : judge_of(stream, message, fault);
}
