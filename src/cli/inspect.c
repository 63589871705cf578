/*
 * kvreplay inspect: prints what the captures hold, frame by frame.
 */
#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/diagnose.h"
#include "cli/inspect_arguments.h"
#include "report/describe.h"
#include "report/dialect.h"
#include "report/frame.h"
#include "report/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct inspection {
    const struct inspect_arguments *arguments;
    const struct frame_printer *printer;
    const char *file;
    bool found;  /* a frame that is asked for */
    bool failed; /* no memory for a line */
};

/* What is kept of a connection: dissect_conversation.user. */
struct inspected {
    bool introduced;
    struct frame_dialect dialect;
};

static void print(struct inspection *self, const struct frame_line *line)
{
    self->failed |= !frame_print(self->printer, stdout, line);
}

static bool inspect_is_wanted(const struct inspection *self,
                              const struct dissect_conversation *conversation)
{
    uint64_t connection = self->arguments->filter.connection;
    return connection == 0 || connection == conversation->id;
}

/* NULL: no memory. */
static struct inspected *inspected_of(struct inspection *self,
                                      struct dissect_conversation *conversation)
{
    if (conversation->user == NULL) {
        conversation->user = calloc(1, sizeof(struct inspected));
        self->failed |= conversation->user == NULL;
    }
    return conversation->user;
}

/* A connection is introduced before its first line. */
static void introduce(struct inspection *self, struct dissect_conversation *conversation)
{
    struct inspected *inspected = inspected_of(self, conversation);
    if (inspected != NULL && !inspected->introduced) {
        inspected->introduced = true;
        struct frame_line line = {
            .event = EVENT_CONNECTION, .file = self->file, .conversation = conversation};
        print(self, &line);
    }
}

static void inspect_on_frame(void *context, struct dissect_conversation *conversation,
                             const struct dissect_frame *frame)
{
    struct inspection *self = context;
    struct inspected *inspected = inspected_of(self, conversation);
    struct mcbp_collection_key key = {.key = frame->frame.key};
    if (inspected == NULL || !inspect_is_wanted(self, conversation)) {
        return;
    }
    if (!frame->bad_lengths) {
        frame_dialect_learn(&inspected->dialect, &frame->frame);
        (void)describe_collection(&frame->frame, inspected->dialect.features, &key);
    }
    if (frame_filter_matches(&self->arguments->filter, &frame->frame, key.key)) {
        introduce(self, conversation);
        self->found = true;
        struct frame_line line = {.event = EVENT_FRAME,
                                  .file = self->file,
                                  .conversation = conversation,
                                  .frame = frame,
                                  .hex = self->arguments->hex};
        if (frame_dialect_is_couchbase(&inspected->dialect, &frame->frame)) {
            line.couchbase = &inspected->dialect.features;
        }
        print(self, &line);
    }
}

/* What is no frame is left out when frames are picked. */
static void print_between(struct inspection *self, struct dissect_conversation *conversation,
                          struct frame_line line)
{
    if (inspect_is_wanted(self, conversation) &&
        !frame_filter_is_active(&self->arguments->filter)) {
        introduce(self, conversation);
        line.file = self->file;
        line.conversation = conversation;
        print(self, &line);
    }
}

static void inspect_on_lost(void *context, struct dissect_conversation *conversation,
                            enum dissect_role role, uint64_t missing)
{
    (void)missing;
    print_between(context, conversation, (struct frame_line){.event = EVENT_LOST, .role = role});
}

static void inspect_on_malformed(void *context, struct dissect_conversation *conversation,
                                 struct span bytes, const struct net_origin *origin)
{
    struct frame_line line = {.event = EVENT_MALFORMED, .bytes = bytes, .origin = origin};
    print_between(context, conversation, line);
}

static void inspect_on_end(void *context, struct dissect_conversation *conversation,
                           enum dissect_role role)
{
    print_between(context, conversation, (struct frame_line){.event = EVENT_END, .role = role});
}

static void inspect_on_closed(void *context, struct dissect_conversation *conversation)
{
    print_between(context, conversation, (struct frame_line){.event = EVENT_CLOSED});
    free(conversation->user);
    conversation->user = NULL;
}

static void inspect(struct inspection *self, struct capture_result *capture)
{
    struct dissect_consumer consumer = {
        .context = self,
        .frame = inspect_on_frame,
        .lost = inspect_on_lost,
        .malformed = inspect_on_malformed,
        .end = inspect_on_end,
        .closed = inspect_on_closed,
    };
    self->failed |= !self->printer->begin(stdout, self->file);
    dissect_capture(self->file, &self->arguments->dissect, &consumer, capture);
    if (capture->status == VERIFY_IDENTICAL &&
        capture->client_frames + capture->server_frames == 0) {
        capture->status = VERIFY_NO_EVIDENCE;
    }
    self->failed |= !self->printer->end(stdout, capture);
}

/* What went wrong is said on standard error, behind what was printed before it. */
static void inspect_complain(const struct capture_result *capture)
{
    fflush(stdout);
    if (capture->problem == NULL) {
        diagnose("%s: no frame of the memcached binary protocol", capture->path);
    } else {
        fputs("kvreplay: ", stderr);
        verdict_write_problem(stderr, capture);
        fputc('\n', stderr);
    }
}

static enum verify_status inspect_input(struct inspection *self, const struct input *input)
{
    struct capture_result *capture = calloc(1, sizeof(*capture));
    enum verify_status status = VERIFY_INTERNAL;
    if (capture != NULL) {
        capture->path = input->path;
        capture->status = input->status;
        self->file = input->path;
        if (input->status == VERIFY_IDENTICAL) {
            inspect(self, capture);
        } else {
            capture->problem = strdup(input->problem);
        }
        if (capture->problem != NULL || capture->status != VERIFY_IDENTICAL) {
            inspect_complain(capture);
        }
        status = capture->status;
        capture_result_deinit(capture);
    }
    free(capture);
    return status;
}

int command_inspect(int argc, char **argv)
{
    struct inspect_arguments arguments;
    enum verify_status status = VERIFY_IDENTICAL;
    inspect_arguments_init(&arguments, argc, argv);
    struct inspection inspection = {
        .arguments = &arguments,
        .printer = arguments.json ? &frame_json_printer : &frame_text_printer,
    };
    for (size_t i = 0; i < arguments.inputs.count && !interrupted(); i++) {
        status =
            verify_status_worse(status, inspect_input(&inspection, &arguments.inputs.inputs[i]));
    }
    if (status == VERIFY_IDENTICAL && !inspection.found) {
        fflush(stdout);
        diagnose("no frame is as --connection, --key, --opcode and --status ask for");
    }
    if (interrupted()) {
        fputs("kvreplay: interrupted\n", stderr);
        status = status == VERIFY_INTERNAL ? status : VERIFY_NO_EVIDENCE;
    }
    if (inspection.failed) {
        diagnose("%s", strerror(ENOMEM));
        status = VERIFY_INTERNAL;
    }
    inspect_arguments_deinit(&arguments);
    return (int)status;
}
