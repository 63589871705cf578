#include "anonymise/knowledge.h"

#include "anonymise/protocol.h"
#include "base/array.h"
#include "base/endian.h"
#include "mcbp/form.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    VERSIONS_MAX = 1 << 20, /* then no more are remembered */
    COUNTER_SIZE = 8,       /* of the answer to INCREMENT */
    DIGITS_SIZE = 24,       /* of 64 bits, with room to spare */
};

struct known_key {
    uint64_t alike; /* the number of one that is alike, and so on up to the first: its own */
    bool counter;
    bool joined;
    /* Of the first of those that are alike: */
    bool any_joined;
    bool any_counter;
    bool all_counters;
    struct bifix pieces;
    /* In Couchbase's dialect: */
    bool counts_within;
    bool macros;
    bool compressed;
    bool json; /* a value that is joined, or one that is compressed */
    /* Of the first of those that are alike: */
    bool any_compressed;
    struct alphabet_pins pins;
    struct alphabet *alphabet;
};

static const struct name no_number = {{0}};

static bool knowledge_is_request(const struct dissect_frame *frame)
{
    return frame->role == FROM_CLIENT && !frame->bad_lengths &&
           (frame->frame.header.magic == MCBP_CLIENT_REQUEST ||
            frame->frame.header.magic == MCBP_FLEX_CLIENT_REQUEST);
}

/* Without the collection: what is known of a key holds for those with the same name in others, as
 * scans don't say which. */
static struct name key_name(struct knowledge *self, const struct language *language,
                            const struct dissect_frame *frame)
{
    struct span key = frame->frame.key;
    size_t prefix = language_prefix_size(language, frame->frame.header.opcode, key);
    return name_of(self->secret, SECRET_KEY_NAME, span_skip(key, prefix));
}

void knowledge_deinit(struct knowledge *self)
{
    for (size_t i = 0; i < self->names.count; i++) {
        bifix_deinit(&self->known[i].pieces);
        free(self->known[i].alphabet);
    }
    free(self->known);
    keys_deinit(&self->keys);
    sums_deinit(&self->sums);
    names_deinit(&self->names);
    names_deinit(&self->versions);
}

/* ------------------------------------------------------------------------------------- keys */

/* NULL: no memory. */
static struct known_key *add_key(struct knowledge *self, const struct name *name)
{
    uint64_t number = self->names.count;
    if (names_find(&self->names, name, &number)) {
        return &self->known[number];
    }
    number = self->names.count;
    struct known_key *grown =
        array_grow(self->known, sizeof(*grown), self->names.count, &self->known_room);
    if (grown != NULL) {
        self->known = grown;
    }
    if (grown == NULL || !names_add(&self->names, name, number)) {
        self->no_memory = true;
        return NULL;
    }
    self->known[number] = (struct known_key){.alike = number};
    return &self->known[number];
}

static uint64_t first_alike(const struct knowledge *self, uint64_t number)
{
    struct known_key *key;
    while ((key = &self->known[number])->alike != number) {
        key->alike = self->known[key->alike].alike; /* half as far the next time */
        number = key->alike;
    }
    return number;
}

static void make_alike(void *context, const struct name *a, const struct name *b)
{
    struct knowledge *self = context;
    const struct known_key *key = add_key(self, a);
    uint64_t first = key == NULL ? 0 : first_alike(self, key->alike);
    const struct known_key *other = add_key(self, b);
    if (key != NULL && other != NULL) {
        self->known[first_alike(self, other->alike)].alike = first;
    }
}

static bool is_mixed(const struct known_key *first)
{
    return first->any_counter && !first->all_counters;
}

void knowledge_settle(struct knowledge *self)
{
    for (size_t i = 0; i < self->names.count; i++) {
        self->known[i].all_counters = true;
    }
    for (size_t i = 0; i < self->names.count; i++) {
        const struct known_key *key = &self->known[i];
        struct known_key *first = &self->known[first_alike(self, i)];
        first->any_joined |= key->joined;
        first->any_counter |= key->counter;
        first->all_counters &= key->counter;
        first->any_compressed |= key->compressed;
        self->compressed |= key->compressed;
        self->counted |= key->counter;
        self->joined |= key->joined;
    }
    for (size_t i = 0; i < self->names.count; i++) {
        self->mixed |= is_mixed(&self->known[i]);
    }
    self->settled = true;
}

bool knowledge_wants_values(const struct knowledge *self)
{
    return self->joined || self->mixed || self->compressed || self->keys.ordered;
}

/* ----------------------------------------------------------------------------------- numbers */

/* The digits that a value begins with, which are what a counter's has in common with its answer. */
static struct name number_of(struct knowledge *self, struct span value)
{
    size_t size = 0;
    while (size < value.size && value.data[size] >= '0' && value.data[size] <= '9') {
        size++;
    }
    return size > 0 ? name_of(self->secret, SECRET_NUMBER, span_head(value, size)) : no_number;
}

static struct name number_in_answer(struct knowledge *self, const struct mcbp_frame *answer)
{
    char digits[DIGITS_SIZE];
    if (!mcbp_opcode_counts(answer->header.opcode) || answer->value.size != COUNTER_SIZE) {
        return number_of(self, answer->value);
    }
    int size = snprintf(digits, sizeof(digits), "%" PRIu64, read_be64(answer->value.data));
    return number_of(self, span_of(digits, (size_t)size));
}

/* Its answer does not say what it is. */
static struct name number_if_stored(struct knowledge *self, const struct dissect_frame *request)
{
    bool stores = mcbp_opcode_family(request->frame.header.opcode) == MCBP_FAMILY_STORE;
    return self->mixed && stores ? number_of(self, request->frame.value) : no_number;
}

/* The item that has this CAS, if it holds this number. */
static struct name version_of(struct knowledge *self, uint64_t cas, const struct name *number)
{
    uint8_t bytes[sizeof(cas) + sizeof(*number)];
    write_be64(bytes, cas);
    memcpy(bytes + sizeof(cas), number, sizeof(*number));
    return name_of(self->secret, SECRET_VERSION, span_of(bytes, sizeof(bytes)));
}

static bool is_version(struct knowledge *self, const struct dissect_frame *answer)
{
    uint64_t unused;
    struct name number = number_in_answer(self, &answer->frame);
    struct name version = version_of(self, answer->frame.header.cas, &number);
    return names_find(&self->versions, &version, &unused);
}

static void knowledge_note_version(struct knowledge *self, const struct about *about,
                                   const struct dissect_frame *answer)
{
    const struct mcbp_header *header = &answer->frame.header;
    bool stores = mcbp_opcode_family(header->opcode) == MCBP_FAMILY_STORE;
    if (!about->mixed || knowledge_is_request(answer) || header->cas == 0 ||
        header->vbucket_or_status != MCBP_STATUS_SUCCESS || self->versions.count == VERSIONS_MAX) {
        return;
    }
    struct name number = stores ? about->stored : number_in_answer(self, &answer->frame);
    if (memcmp(&number, &no_number, sizeof(number)) != 0) {
        struct name version = version_of(self, header->cas, &number);
        self->no_memory |= !names_add(&self->versions, &version, 0);
    }
}

/* ----------------------------------------------------------------------------------- pairing */

/* The first pass, which goes over all captures, leaves out what it needs not. */
static struct name name_if_needed(struct knowledge *self, const struct language *language,
                                  const struct dissect_frame *frame)
{
    uint8_t opcode = frame->frame.header.opcode;
    struct name none = {{0}};
    return self->settled || language->couchbase || asked_is_ambiguous(opcode) ||
                   mcbp_opcode_counts(opcode) || mcbp_opcode_concatenates(opcode)
               ? key_name(self, language, frame)
               : none;
}

static void knowledge_remember(struct knowledge *self, struct asked **asked,
                               const struct dissect_frame *frame,
                               const struct asked_subject *subject)
{
    if (*asked == NULL) {
        *asked = asked_create();
        self->no_memory |= *asked == NULL;
    }
    if (*asked != NULL) {
        struct asked_listener listener = {self, self->settled ? NULL : make_alike};
        asked_add(*asked, frame, subject, &listener);
    }
}

static bool knowledge_answered(struct knowledge *self, struct asked *asked,
                               const struct language *language, const struct dissect_frame *frame,
                               struct asked_subject *subject)
{
    struct asked_listener listener = {self, self->settled ? NULL : make_alike};
    bool named = mcbp_form_repeats_key(frame->frame.header.opcode) && frame->frame.key.size > 0;
    struct name in_answer;
    if (named) {
        in_answer = name_if_needed(self, language, frame);
    }
    const struct asked_subject *found = asked_answer(asked, frame, named ? &in_answer : NULL,
                                                     language_has_any_order(language), &listener);
    if (found != NULL) {
        *subject = *found;
    }
    return found != NULL;
}

/* Follows requests and responses; whether the key's name is known that the frame is about. */
static bool follow(struct knowledge *self, struct asked **asked, const struct language *language,
                   const struct dissect_frame *frame, struct asked_subject *subject)
{
    if (knowledge_is_request(frame)) {
        bool document =
            language->couchbase && mcbp_opcode_has_collection(frame->frame.header.opcode);
        *subject = (struct asked_subject){
            .key = name_if_needed(self, language, frame),
            .document = document && self->sums.learning
                            ? name_of(self->secret, SECRET_KEY_NAME, frame->frame.key)
                            : no_number,
            .results = document ? language_specs_of(frame).results : 0,
        };
        if (document || asked_matters(&frame->frame.header)) {
            subject->number = number_if_stored(self, frame);
            knowledge_remember(self, asked, frame, subject);
        }
        return true;
    }
    return frame->role == FROM_SERVER && mcbp_magic_is_response(frame->frame.header.magic) &&
           *asked != NULL && knowledge_answered(self, *asked, language, frame, subject);
}

/* What a frame in Couchbase's dialect shows of documents. `subject`: NULL if it is about none. */
static void note_documents_keys(struct knowledge *self, const struct dissect_frame *frame,
                                const struct asked_subject *subject)
{
    struct language_document document;
    size_t at = 0;
    while (language_next_document(frame, &at, &document)) {
        struct name name = document.key.size > 0
                               ? name_of(self->secret, SECRET_KEY_NAME, document.key)
                           : subject != NULL ? subject->key
                                             : no_number;
        if ((document.datatype & MCBP_DATATYPE_SNAPPY) != 0) {
            struct known_key *key = add_key(self, &name);
            if (key != NULL) {
                key->compressed = true;
            }
        }
    }
    struct language_specs specs = language_specs_of(frame);
    self->sums.wanted |= specs.checksums;
    if (subject != NULL && knowledge_is_request(frame) && (specs.counts || specs.expands_macros)) {
        struct known_key *key = add_key(self, &subject->key);
        if (key != NULL) {
            key->counts_within |= specs.counts;
            key->macros |= specs.expands_macros;
        }
    }
}

void knowledge_note_key(struct knowledge *self, struct asked **asked,
                        const struct language *language, const struct dissect_frame *frame)
{
    uint8_t opcode = frame->frame.header.opcode;
    bool counts = mcbp_opcode_counts(opcode);
    bool joins = mcbp_opcode_concatenates(opcode);
    struct asked_subject subject;
    if (frame->bad_lengths) {
        return;
    }
    bool known = follow(self, asked, language, frame, &subject);
    if (known && knowledge_is_request(frame) && (counts || joins)) {
        struct known_key *key = add_key(self, &subject.key);
        if (key != NULL) {
            key->counter |= counts;
            key->joined |= joins;
        }
    }
    if (language->couchbase) {
        self->keys.ordered |=
            opcode == MCBP_RANGE_SCAN_CREATE || opcode == MCBP_RANGE_SCAN_CONTINUE;
        note_documents_keys(self, frame, known ? &subject : NULL);
    }
}

void knowledge_close(struct knowledge *self, struct asked *asked)
{
    struct asked_listener listener = {self, self->settled ? NULL : make_alike};
    asked_destroy(asked, &listener);
}

static void about_document(struct about *about, const struct known_key *key,
                           const struct known_key *first)
{
    about->mapped = first->any_compressed || first->any_joined;
    about->joined = first->any_joined;
    about->counter = key->counter;
    about->counts_within = key->counter || key->counts_within;
    about->has_macros = key->macros;
    about->alphabet = first->alphabet;
}

struct about knowledge_about(struct knowledge *self, struct asked **asked,
                             const struct language *language, const struct dissect_frame *frame)
{
    struct about about = {0};
    struct asked_subject subject;
    bool wanted = self->counted || self->joined || language->couchbase;
    if (!wanted || !follow(self, asked, language, frame, &subject)) {
        return about;
    }
    about.results = subject.results;
    about.document = subject.document;
    if (!names_find(&self->names, &subject.key, &about.number)) {
        return about;
    }
    const struct known_key *key = &self->known[about.number];
    const struct known_key *first = &self->known[first_alike(self, about.number)];
    about_document(&about, key, first);
    bool anyones = !knowledge_is_request(frame) && asked_is_ambiguous(frame->frame.header.opcode);
    about.number = first->alike;
    about.learn = anyones ? first->any_joined : key->joined;
    about.counter = anyones ? first->all_counters || (is_mixed(first) && is_version(self, frame))
                            : key->counter;
    about.mixed = !anyones && key->counter && is_mixed(first);
    about.stored = subject.number;
    return about;
}

struct about knowledge_about_key(struct knowledge *self, struct span key)
{
    struct about about = {0};
    struct name name = name_of(self->secret, SECRET_KEY_NAME, key);
    if (names_find(&self->names, &name, &about.number)) {
        const struct known_key *known = &self->known[about.number];
        const struct known_key *first = &self->known[first_alike(self, about.number)];
        about_document(&about, known, first);
        about.learn = known->joined;
        about.number = first->alike;
    }
    return about;
}

/* ------------------------------------------------------------------------------------- values */

static bool holds_value(const struct dissect_frame *frame)
{
    uint8_t opcode = frame->frame.header.opcode;
    if (knowledge_is_request(frame)) {
        return mcbp_opcode_concatenates(opcode) || mcbp_opcode_family(opcode) == MCBP_FAMILY_STORE;
    }
    return mcbp_opcode_retrieves(opcode) &&
           frame->frame.header.vbucket_or_status == MCBP_STATUS_SUCCESS;
}

void knowledge_note_value(struct knowledge *self, const struct about *about,
                          const struct dissect_frame *frame)
{
    knowledge_note_version(self, about, frame);
    if (!about->learn || !holds_value(frame)) {
        return;
    }
    struct bifix *pieces = &self->known[about->number].pieces;
    self->pieces_bytes -= pieces->bytes;
    switch (bifix_add(pieces, frame->frame.value, PIECES_BYTES_MAX - self->pieces_bytes)) {
    case BIFIX_ADDED:
        break;
    case BIFIX_FULL:
        self->forgotten++;
        break;
    case BIFIX_NO_MEMORY:
        self->no_memory = true;
        break;
    }
    self->pieces_bytes += pieces->bytes;
}

static void note_document(struct knowledge *self, const struct about *about, uint8_t datatype,
                          struct span value)
{
    struct known_key *key = &self->known[about->number];
    struct body_manner manner = {.secret = self->secret,
                                 .keeps_numbers = about->counts_within,
                                 .keeps_macros = about->has_macros};
    bool json;
    self->no_memory |= !body_pin(&manner, datatype, value, about->joined, &key->pins, &json);
    key->json |= json;
}

void knowledge_note_documents(struct knowledge *self, const struct about *about,
                              const struct dissect_frame *frame)
{
    struct language_document document;
    size_t at = 0;
    while (self->names.count > 0 && language_next_document(frame, &at, &document)) {
        struct about own = document.key.size > 0 ? knowledge_about_key(self, document.key) : *about;
        if (own.mapped) {
            note_document(self, &own, document.datatype,
                          span_head(span_skip(frame->frame.value, document.at), document.size));
        }
    }
}

void knowledge_note_order(struct knowledge *self, const struct language *language,
                          const struct dissect_frame *frame)
{
    const struct mcbp_frame *fields = &frame->frame;
    uint8_t opcode = fields->header.opcode;
    struct language_document document;
    size_t at = 0;
    if (!self->keys.ordered) {
        return;
    }
    if (mcbp_opcode_has_collection(opcode)) {
        keys_add(&self->keys,
                 span_skip(fields->key, language_prefix_size(language, opcode, fields->key)));
    } else if (opcode == MCBP_RANGE_SCAN_CREATE && knowledge_is_request(frame)) {
        protocol_note_bounds(&self->keys, fields->value);
    }
    while (opcode == MCBP_RANGE_SCAN_CONTINUE && language_next_document(frame, &at, &document)) {
        keys_add(&self->keys, document.key);
    }
}

void knowledge_settle_values(struct knowledge *self)
{
    keys_settle(&self->keys);
    self->no_memory |= self->keys.no_memory;
    self->forgotten += self->keys.forgotten;
    for (size_t i = 0; i < self->names.count; i++) {
        struct known_key *key = &self->known[i];
        if (key->any_compressed || (key->any_joined && key->json)) {
            key->alphabet = malloc(sizeof(*key->alphabet));
            self->no_memory |= key->alphabet == NULL;
        }
    }
    for (size_t i = 0; i < self->names.room; i++) {
        const struct name_entry *entry = &self->names.entries[i];
        const struct known_key *key = entry->used ? &self->known[entry->number] : NULL;
        if (key != NULL && key->alphabet != NULL) {
            alphabet_init(key->alphabet, self->secret, &entry->name, &key->pins, key->json);
        }
    }
}

size_t knowledge_piece(const struct knowledge *self, const struct about *about, struct span value,
                       void ***beside)
{
    *beside = NULL;
    return about->joined ? bifix_first(&self->known[about->number].pieces, value, beside)
                         : value.size;
}
