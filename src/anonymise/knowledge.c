#include "anonymise/knowledge.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <stdlib.h>

static bool is_request(const struct dissect_frame *frame)
{
    return frame->role == FROM_CLIENT && !frame->bad_lengths &&
           (frame->frame.header.magic == MCBP_CLIENT_REQUEST ||
            frame->frame.header.magic == MCBP_FLEX_CLIENT_REQUEST);
}

static struct name key_name(struct knowledge *self, const struct dissect_frame *frame)
{
    return name_of(self->secret, SECRET_KEY_NAME, frame->frame.key);
}

void knowledge_deinit(struct knowledge *self)
{
    for (size_t i = 0; self->contents != NULL && i < self->joined.count; i++) {
        for (size_t j = 0; j < self->contents[i].count; j++) {
            free(self->contents[i].kept[j].bytes);
        }
        free(self->contents[i].latest.bytes);
    }
    free(self->contents);
    names_deinit(&self->counters);
    names_deinit(&self->joined);
    names_deinit(&self->joins);
}

void knowledge_note_key(struct knowledge *self, const struct dissect_frame *frame)
{
    if (!is_request(frame)) {
        return;
    }
    struct name name;
    switch (mcbp_opcode_loud(frame->frame.header.opcode)) {
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
        name = key_name(self, frame);
        self->no_memory |= !names_add(&self->counters, &name, 0);
        break;
    case MCBP_APPEND:
    case MCBP_PREPEND:
        name = key_name(self, frame);
        self->no_memory |= !names_add(&self->joined, &name, self->joined.count);
        break;
    default:
        break;
    }
}

bool knowledge_wants_values(const struct knowledge *self)
{
    return self->joined.count > 0;
}

/* ----------------------------------------------------------------------------------- pairing */

enum { ASKED_MAX = 1024 }; /* more are not waited for: the oldest answers will not be known */

struct asked {
    struct {
        uint8_t opcode;
        uint32_t opaque;
        struct about about;
    } requests[ASKED_MAX];
    size_t first;
    size_t count;
};

void asked_destroy(struct asked *asked)
{
    free(asked);
}

static bool is_retrieval(uint8_t opcode)
{
    uint8_t loud = mcbp_opcode_loud(opcode);
    return loud == MCBP_GET || loud == MCBP_GETK || loud == MCBP_GAT || loud == MCBP_GATK;
}

static struct about about_key(struct knowledge *self, const struct dissect_frame *frame)
{
    struct about about = {0};
    uint64_t unused;
    struct name name = key_name(self, frame);
    about.counter = names_find(&self->counters, &name, &unused);
    about.joined = names_find(&self->joined, &name, &about.number);
    return about;
}

static void remember(struct knowledge *self, struct asked **asked,
                     const struct dissect_frame *frame, const struct about *about)
{
    if (*asked == NULL && (*asked = calloc(1, sizeof(**asked))) == NULL) {
        self->no_memory = true;
        return;
    }
    struct asked *all = *asked;
    if (all->count == ASKED_MAX) {
        all->first = (all->first + 1) % ASKED_MAX;
        all->count--;
    }
    size_t last = (all->first + all->count++) % ASKED_MAX;
    all->requests[last].opcode = frame->frame.header.opcode;
    all->requests[last].opaque = frame->frame.header.opaque;
    all->requests[last].about = *about;
}

static bool is_same(const struct about *a, const struct about *b)
{
    return a->counter == b->counter && a->joined == b->joined && a->number == b->number;
}

/*
 * The first request that the response may answer. A quiet one that was not answered looks the same
 * if it has the same opaque; where such requests differ, nothing is said.
 */
static struct about find_asked(struct asked *all, const struct mcbp_header *header)
{
    struct about about = {0};
    size_t found = 0;
    size_t skip = 0;
    for (size_t i = 0; i < all->count; i++) {
        size_t at = (all->first + i) % ASKED_MAX;
        if (all->requests[at].opcode != header->opcode ||
            all->requests[at].opaque != header->opaque) {
            continue;
        }
        if (found++ == 0) {
            about = all->requests[at].about;
            skip = i + 1;
        } else if (!mcbp_opcode_is_quiet(header->opcode)) {
            break;
        } else if (!is_same(&about, &all->requests[at].about)) {
            about = (struct about){0};
        }
    }
    all->first = (all->first + skip) % ASKED_MAX;
    all->count -= skip;
    return about;
}

struct about knowledge_about(struct knowledge *self, struct asked **asked,
                             const struct dissect_frame *frame)
{
    const struct mcbp_header *header = &frame->frame.header;
    struct about about = {0};
    if (self->counters.count == 0 && self->joined.count == 0) {
        return about;
    }
    if (is_request(frame)) {
        about = about_key(self, frame);
        if (is_retrieval(header->opcode)) {
            remember(self, asked, frame, &about);
        }
    } else if (frame->role == FROM_SERVER && is_retrieval(header->opcode) && *asked != NULL &&
               mcbp_magic_is_response(header->magic)) {
        about = find_asked(*asked, header);
    }
    return about;
}

/* ------------------------------------------------------------------------------------- values */

static bool put(struct knowledge *self, struct content *content, struct span a, struct span b)
{
    size_t size = a.size + b.size; /* of two values that are in memory */
    *content = (struct content){0};
    if (size > CONTENTS_BYTES_MAX - self->contents_bytes) {
        self->forgotten++;
        return false;
    }
    content->bytes = malloc(size > 0 ? size : 1);
    if (content->bytes == NULL) {
        self->no_memory = true;
        return false;
    }
    content->size = size;
    self->contents_bytes += size;
    if (a.size > 0) {
        memcpy(content->bytes, a.data, a.size);
    }
    if (b.size > 0) {
        memcpy(content->bytes + a.size, b.data, b.size);
    }
    return true;
}

static void give(struct knowledge *self, struct content *content)
{
    self->contents_bytes -= content->size;
    free(content->bytes);
}

static struct span span_of_content(const struct content *content)
{
    return span_of(content->bytes, content->size);
}

static void note_join(struct knowledge *self, const struct content *content, size_t first)
{
    if (first > 0 && first < content->size) {
        struct name name = name_of(self->secret, SECRET_VALUE_NAME, span_of_content(content));
        self->no_memory |= !names_add(&self->joins, &name, first);
    }
}

/* Adds it to what the key may hold, as the likeliest. */
static void push(struct knowledge *self, struct contents *contents, const struct content *content)
{
    if (contents->count == CONTENTS_KEPT) {
        give(self, &contents->kept[--contents->count]);
    }
    memmove(contents->kept + 1, contents->kept, contents->count * sizeof(*content));
    contents->kept[0] = *content;
    contents->count++;
}

static bool join(struct knowledge *self, struct span held, struct span value, bool append,
                 struct content *joined)
{
    bool put_together = put(self, joined, append ? held : value, append ? value : held);
    if (put_together) {
        note_join(self, joined, append ? held.size : value.size);
    }
    return put_together;
}

/* The key holds that, if nothing went wrong; or that with what another connection has asked to be
 * appended to it before, if the server took them in the other order. */
static void note_stored(struct knowledge *self, struct contents *contents, struct span value)
{
    struct content content;
    struct span latest = span_of_content(&contents->latest);
    if (contents->count > 0 && span_equal(span_of_content(&contents->kept[0]), value)) {
        return;
    }
    if (latest.size > 0 && join(self, value, latest, contents->appended, &content)) {
        push(self, contents, &content);
    }
    if (put(self, &content, value, span_of(NULL, 0))) {
        push(self, contents, &content);
    }
}

/* Whatever the key may hold, it may have been joined with the value, or the request was refused. */
static void note_joined(struct knowledge *self, struct contents *contents, bool append,
                        struct span value)
{
    struct contents old = *contents;
    contents->count = 0;
    for (size_t i = 0; i < old.count; i++) {
        struct content joined;
        bool wanted = contents->count < CONTENTS_KEPT;
        if (wanted && join(self, span_of_content(&old.kept[i]), value, append, &joined)) {
            contents->kept[contents->count++] = joined;
        }
        if (contents->count < CONTENTS_KEPT) {
            contents->kept[contents->count++] = old.kept[i];
        } else {
            give(self, &old.kept[i]);
        }
    }
    give(self, &contents->latest);
    contents->latest = (struct content){0};
    put(self, &contents->latest, value, span_of(NULL, 0));
    contents->appended = append;
}

void knowledge_note_value(struct knowledge *self, const struct about *about,
                          const struct dissect_frame *frame)
{
    if (!about->joined) {
        return;
    }
    if (self->contents == NULL) {
        self->contents = calloc(self->joined.count, sizeof(*self->contents));
        self->no_memory |= self->contents == NULL;
    }
    if (self->contents == NULL) {
        return;
    }
    struct contents *contents = &self->contents[about->number];
    struct span value = frame->frame.value;
    uint8_t opcode = mcbp_opcode_loud(frame->frame.header.opcode);
    if (is_request(frame)) {
        if (opcode == MCBP_APPEND || opcode == MCBP_PREPEND) {
            note_joined(self, contents, opcode == MCBP_APPEND, value);
        } else if (opcode == MCBP_SET || opcode == MCBP_ADD || opcode == MCBP_REPLACE) {
            note_stored(self, contents, value);
        }
    } else if (frame->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS) {
        note_stored(self, contents, value);
    }
}
