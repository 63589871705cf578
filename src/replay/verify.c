/*
 * One capture, from file to verdict. The stages before this one are in dissect.c:
 *
 *   1 capture   packets                       dissect.c, src/capture
 *   2 decode    segments and datagrams        dissect.c, src/net
 *   3 flow      ordered bytes                 dissect.c, src/net
 *   4 framing   MCBP frames, and the ledger   framing.c
 *   5 rebuilt   each server frame again       rebuilt.c
 *   6 executed  each request in the store     executed.c, settle.c, explain.c
 *   7 verdict   what it comes to              here
 */
#include "replay/verify.h"

#include "replay/differences.h"
#include "replay/executed.h"
#include "replay/rebuilt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void verify_options_init(struct verify_options *options)
{
    *options = (struct verify_options){
        .construct = {.writer = kvr_writer_find("batch"), .reference = REFERENCE_CAPTURE},
        .item_size_max = 1 << 20,
        .pending_bytes_max = 32 << 20,
        .require_compared = 1,
    };
    dissect_options_init(&options->dissect);
}

/* --------------------------------------------------------------------------------- connections */

static struct connection *connection_of(struct run *run, struct dissect_conversation *conversation)
{
    struct connection *connection = conversation->user;
    if (connection != NULL) {
        return connection;
    }
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        run->no_memory = true;
        return NULL;
    }
    connection->conversation = conversation;
    connection->requests_uncertain = !conversation->from_start;
    connection->next = run->connections;
    if (run->connections != NULL) {
        run->connections->previous = connection;
    }
    run->connections = connection;
    conversation->user = connection;
    return connection;
}

static void unlink_connection(struct run *run, struct connection *connection)
{
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        run->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
}

/* ---------------------------------------------------------------------- what dissecting tells of
 */

static void on_frame(void *context, struct dissect_conversation *conversation,
                     const struct dissect_frame *frame)
{
    struct run *run = context;
    struct connection *connection = connection_of(run, conversation);
    if (run->sequence++ == 0) {
        run->began = frame->origin.time;
    }
    if (connection == NULL) {
        return;
    }
    if (frame->role == FROM_CLIENT) {
        executed_request(run, connection, frame);
    } else {
        rebuilt_check(run, connection, frame);
        executed_response(run, connection, frame);
    }
}

static void on_lost(void *context, struct dissect_conversation *conversation,
                    enum dissect_role role, bool missing)
{
    struct connection *connection = connection_of(context, conversation);
    if (connection != NULL) {
        executed_lost(context, connection, role, missing);
    }
}

/* The writer's part of both checks, told of in batches. */
static void on_built(void *context, const struct construct_label *label, struct span response,
                     const struct construct_fault *fault)
{
    struct run *run = context;
    struct mcbp_frame frame;
    mcbp_frame_parse(response, &frame);
    if (label->check == CHECK_REBUILT) {
        rebuilt_built(run, fault != NULL);
    } else {
        executed_built(run, &frame.header, label->outcome, fault != NULL);
    }
    if (fault == NULL || fault->after_death) {
        return; /* what it died of is the one to be shown */
    }
    struct difference_subject subject = {
        .check = label->check,
        .kind =
            fault->error != KVR_OK || fault->signal != 0 ? DIFFERENCE_REFUSED : DIFFERENCE_FIELD,
        .connection = label->connection,
        .origin = &label->origin,
        .header = &frame.header,
        .request = &label->request,
    };
    struct difference *difference = difference_add(run, &subject);
    if (fault->signal != 0) {
        difference_set_detail(difference, "the writer has died of signal %d (%s)", fault->signal,
                              strsignal(fault->signal));
    } else if (fault->error != KVR_OK) {
        difference_set_detail(difference, "the writer refused the response: %s",
                              kvr_error_text(fault->error));
    } else {
        difference_set_sides(difference, &fault->comparison, fault->reference, fault->built);
    }
}

static void on_settled(void *context)
{
    struct run *run = context;
    construct_flush(run->construct);
}

static void on_malformed(void *context, struct dissect_conversation *conversation,
                         struct span bytes, const struct net_origin *origin)
{
    struct run *run = context;
    struct connection *connection = connection_of(run, conversation);
    struct mcbp_frame frame = {0};
    if (connection == NULL) {
        return;
    }
    enum mcbp_parse parse = mcbp_frame_parse(bytes, &frame);
    struct difference_subject subject = {
        .check = CHECK_EXECUTED,
        .kind = DIFFERENCE_MALFORMED,
        .connection = connection,
        .origin = origin,
        .header = &frame.header,
    };
    struct comparison comparison = {.offset = 0};
    struct difference *difference = difference_add(run, &subject);
    run->capture->executed.malformed++;
    if (parse == MCBP_NEED_MORE) {
        snprintf(comparison.field, sizeof(comparison.field), "%s",
                 bytes.size < MCBP_HEADER_SIZE ? "header" : "header.total_body_length");
        difference_set_detail(difference,
                              "a frame of %zu bytes begins here, and only %zu bytes come",
                              frame.bytes.size, bytes.size);
    } else if (parse == MCBP_BAD_MAGIC) {
        snprintf(comparison.field, sizeof(comparison.field), "header.magic");
        difference_set_detail(difference, "0x%02x is no magic", bytes.data[0]);
    } else {
        snprintf(comparison.field, sizeof(comparison.field), "header.total_body_length");
        difference_set_detail(difference,
                              "framing extras %u, extras %u, key %u, body %" PRIu32
                              " bytes; frames of at most %zu are believed",
                              frame.header.framing_extras_length, frame.header.extras_length,
                              frame.header.key_length, frame.header.body_length,
                              run->options->dissect.frame_max);
    }
    difference_set_sides(difference, &comparison, bytes, span_of(NULL, 0));
}

static void on_end(void *context, struct dissect_conversation *conversation, enum dissect_role role)
{
    struct run *run = context;
    run->sequence++;
    if (conversation->user != NULL) {
        executed_end(run, conversation->user, role);
    }
}

static void on_closed(void *context, struct dissect_conversation *conversation)
{
    struct run *run = context;
    struct connection *connection = conversation->user;
    if (connection != NULL) {
        executed_closed(run, connection);
        construct_flush(run->construct); /* labels refer to the connection */
        unlink_connection(run, connection);
        free(connection);
        conversation->user = NULL;
    }
}

static void on_progress(void *context, uint64_t bytes_read, uint64_t bytes_total)
{
    struct run *run = context;
    if (run->options->progress != NULL) {
        run->options->progress(run->options->progress_context, run->capture->path, bytes_read,
                               bytes_total, run->capture->server_frames);
    }
}

/* ------------------------------------------------------------------------------------- verdict */

static void set_verdict(struct capture_result *capture, enum verify_status status,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The worst status stands, with the first problem that was named. */
static void set_verdict(struct capture_result *capture, enum verify_status status,
                        const char *format, ...)
{
    capture->status = verify_status_worse(capture->status, status);
    if (capture->problem == NULL) {
        va_list arguments;
        va_start(arguments, format);
        if (vasprintf(&capture->problem, format, arguments) < 0) {
            capture->problem = NULL;
        }
        va_end(arguments);
    }
}

/* What has to be so whatever the capture holds; a verdict without it would be worth nothing. */
static bool counts_add_up(const struct capture_result *capture)
{
    const struct executed_counts *executed = &capture->executed;
    const struct check_counts *rebuilt = &capture->rebuilt;
    return ledger_adds_up(&capture->ledger) &&
           executed->check.compared + executed->adopted + executed->not_executed +
                   executed->ambiguous ==
               capture->server_frames &&
           executed->check.compared == executed->check.identical + executed->check.different &&
           rebuilt->compared == capture->server_frames &&
           rebuilt->compared == rebuilt->identical + rebuilt->different;
}

static void conclude(const struct run *run)
{
    const struct verify_options *options = run->options;
    struct capture_result *capture = run->capture;
    const struct executed_counts *executed = &capture->executed;
    if (run->no_memory) {
        set_verdict(capture, VERIFY_INTERNAL, "out of memory");
    }
    if (!counts_add_up(capture)) {
        set_verdict(capture, VERIFY_INTERNAL,
                    "the counts do not add up; this is a bug of kvreplay");
    }
    if (capture->rebuilt.different + executed->check.different + executed->missing +
            executed->malformed >
        0) {
        capture->status = verify_status_worse(capture->status, VERIFY_DIFFERENT);
    }
    if (capture->rebuilt.compared < options->require_compared) {
        set_verdict(capture, VERIFY_NO_EVIDENCE,
                    "%" PRIu64 " server frames compared, %" PRIu64 " required",
                    capture->rebuilt.compared, options->require_compared);
    }
    if (executed->check.compared < options->require_executed) {
        set_verdict(capture, VERIFY_NO_EVIDENCE,
                    "%" PRIu64 " executed answers compared, %" PRIu64 " required",
                    executed->check.compared, options->require_executed);
    }
    if (options->max_loss != UINT64_MAX && capture->ledger.lost > options->max_loss) {
        set_verdict(capture, VERIFY_NO_EVIDENCE,
                    "%" PRIu64 " bytes are missing from the capture, %" PRIu64 " accepted",
                    capture->ledger.lost, options->max_loss);
    }
}

static bool begin(struct run *run)
{
    struct engine_options engine_options = {.item_size_max = run->options->item_size_max};
    struct construct_listener listener = {.context = run, .built = on_built};
    run->construct = construct_create(&run->options->construct, &listener);
    run->engine = engine_create(&engine_options);
    return run->construct != NULL && run->engine != NULL;
}

static void end(struct run *run)
{
    overlap_deinit(run);
    if (run->construct != NULL) {
        construct_destroy(run->construct);
    }
    if (run->engine != NULL) {
        engine_destroy(run->engine);
    }
    blocks_give(&run->blocks, run->kept, run->kept_size);
    blocks_deinit(&run->blocks);
}

void verify_capture(const char *path, const struct verify_options *options,
                    struct verify_result *result)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    struct run run = {.options = options, .result = result, .capture = capture};
    struct dissect_consumer consumer = {
        .context = &run,
        .frame = on_frame,
        .lost = on_lost,
        .malformed = on_malformed,
        .settled = on_settled,
        .end = on_end,
        .closed = on_closed,
        .progress = on_progress,
    };
    /* All zero, and left so: of its hundreds of KiB a capture touches few. */
    capture->path = strdup(path);
    if (!begin(&run) || capture->path == NULL) {
        capture->status = VERIFY_INTERNAL;
        capture->problem = strdup("out of memory");
    } else {
        dissect_capture(path, &options->dissect, &consumer, capture);
        conclude(&run);
    }
    end(&run);
}
