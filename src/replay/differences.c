#include "replay/differences.h"

#include "mcbp/credentials.h"

#include <stdarg.h>
#include <stdio.h>

enum { EXCERPT_ALIGNMENT = 16 };

struct difference *difference_add(struct run *run, const struct difference_subject *subject)
{
    struct verify_result *result = run->result;
    if (result->differences_count >= result->differences_max) {
        return NULL;
    }
    struct difference *difference = &result->differences[result->differences_count++];
    const struct dissect_conversation *conversation = subject->connection->conversation;
    *difference = (struct difference){
        .check = subject->check,
        .kind = subject->kind,
        .capture = run->capture->path,
        .packet = subject->origin->packet,
        .time = subject->origin->time,
        .connection = conversation->id,
        .client = conversation->client,
        .server = conversation->server,
        .magic = subject->header->magic,
        .opcode = subject->header->opcode,
        .status = subject->header->vbucket_or_status,
        .opaque = subject->header->opaque,
    };
    const struct construct_request *request = subject->request;
    if (request != NULL && request->packet != 0) {
        difference->request_packet = request->packet;
        difference->request_magic = request->magic;
        difference->request_opcode = request->opcode;
        difference->request_opaque = request->opaque;
        difference->key_size = request->key_size;
        memcpy(difference->key, request->key, request->key_size);
    }
    return difference;
}

void difference_describe_request(const struct pending *pending, struct construct_request *request)
{
    struct span key = pending->frame.key;
    request->packet = pending->origin.packet;
    request->magic = pending->magic;
    request->opcode = pending->opcode;
    request->opaque = pending->opaque;
    request->key_size = key.size < sizeof(request->key) ? key.size : sizeof(request->key);
    if (request->key_size > 0) {
        memcpy(request->key, key.data, request->key_size);
    }
    if (mcbp_credentials_begin(pending->frame.bytes) == MCBP_HEADER_SIZE) {
        memset(request->key, '*', request->key_size); /* no name of a mechanism */
    }
}

/* The bytes from the offset on. Credentials are hidden here already, for all reports. */
static void set_excerpt(struct excerpt *excerpt, struct span frame, size_t offset)
{
    size_t credentials = mcbp_credentials_begin(frame);
    excerpt->offset = offset - offset % EXCERPT_ALIGNMENT;
    excerpt->frame_size = frame.size;
    if (excerpt->offset < frame.size) {
        size_t rest = frame.size - excerpt->offset;
        excerpt->size = rest < DIFFERENCE_EXCERPT ? rest : DIFFERENCE_EXCERPT;
        memcpy(excerpt->bytes, frame.data + excerpt->offset, excerpt->size);
        for (size_t i = 0; i < excerpt->size; i++) {
            if (excerpt->offset + i >= credentials) {
                excerpt->bytes[i] = '*';
            }
        }
    }
}

void difference_set_sides(struct difference *difference, const struct comparison *comparison,
                          struct span reference, struct span built)
{
    if (difference == NULL) {
        return;
    }
    snprintf(difference->field, sizeof(difference->field), "%s", comparison->field);
    difference->field_offset = comparison->offset;
    set_excerpt(&difference->reference, reference, comparison->offset);
    set_excerpt(&difference->built, built, comparison->offset);
}

void difference_show(struct difference *difference, struct span frame)
{
    if (difference != NULL) {
        set_excerpt(&difference->reference, frame, 0);
    }
}

void difference_set_detail(struct difference *difference, const char *format, ...)
{
    if (difference == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(difference->detail, sizeof(difference->detail), format, arguments);
    va_end(arguments);
}
