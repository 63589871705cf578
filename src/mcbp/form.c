#include "mcbp/form.h"

#include "mcbp/opcode.h"
#include "mcbp/status.h"

enum body {
    NOTHING = 0,
    KEY = 1,     /* requests must have one, answers may */
    NAME = KEY,  /* the same, and it is no document's */
    ANY_KEY = 2, /* it may be left out */
    VALUE = 4,   /* there may be one */
};

enum { KEY_MAX = 255 }; /* 250, and a collection id before it */

struct form {
    uint64_t request_extras; /* bit N: N bytes are allowed */
    uint64_t answer_extras;  /* of an answer that is no error */
    uint8_t request;         /* enum body */
    uint8_t answer;
    bool named;
};

#define L(size) (UINT64_C(1) << (size))
#define FORM(name, number, loud, family, asked_extras, asked, answered_extras, answered)           \
    [number] = {asked_extras, answered_extras, asked, answered, true},
static const struct form forms[256] = {MCBP_OPCODES(FORM)};

/* Of what a server asks with magic 0x82: its own epoch and revision of the cluster map. */
static const uint64_t CLUSTERMAP_CHANGE_EXTRAS = L(0) | L(4) | L(16);
#undef FORM
#undef L

enum { CLUSTERMAP_CHANGE = 0x01, SERVER_OPCODE_MAX = 0x04 };

static bool form_is_servers(const struct mcbp_header *header)
{
    return header->magic == MCBP_SERVER_REQUEST || header->magic == MCBP_SERVER_RESPONSE;
}

static bool is_length_in(uint64_t lengths, uint8_t length)
{
    return length < 64 && (lengths >> length & 1) != 0;
}

static uint32_t value_length(const struct mcbp_header *header)
{
    return header->body_length - header->framing_extras_length - header->extras_length -
           header->key_length;
}

static bool form_is_request(const struct mcbp_header *header, const struct form *form)
{
    return is_length_in(form->request_extras, header->extras_length) &&
           (header->key_length > 0 ? (form->request & (KEY | ANY_KEY)) != 0
                                   : (form->request & KEY) == 0) &&
           ((form->request & VALUE) != 0 || value_length(header) == 0);
}

/* Errors have a text in place of all that. */
static bool is_answer(const struct mcbp_header *header, const struct form *form)
{
    bool success = header->vbucket_or_status == MCBP_STATUS_SUCCESS;
    return (is_length_in(form->answer_extras, header->extras_length) ||
            (!success && header->extras_length == 0)) &&
           (header->key_length == 0 || (form->answer & (KEY | ANY_KEY)) != 0) &&
           (!success || (form->answer & VALUE) != 0 || value_length(header) == 0);
}

bool mcbp_form_is_known(const struct mcbp_header *header)
{
    const struct form *form = &forms[header->opcode];
    if (header->key_length > KEY_MAX) {
        return false;
    }
    if (form_is_servers(header)) {
        return header->opcode > 0 && header->opcode <= SERVER_OPCODE_MAX;
    }
    return form->named && (mcbp_magic_is_response(header->magic) ? is_answer(header, form)
                                                                 : form_is_request(header, form));
}

bool mcbp_form_has_extras(const struct mcbp_header *header)
{
    const struct form *form = &forms[header->opcode];
    if (form_is_servers(header)) {
        return header->magic == MCBP_SERVER_REQUEST && header->opcode == CLUSTERMAP_CHANGE &&
               is_length_in(CLUSTERMAP_CHANGE_EXTRAS, header->extras_length);
    }
    return is_length_in(mcbp_magic_is_response(header->magic) ? form->answer_extras
                                                              : form->request_extras,
                        header->extras_length);
}

bool mcbp_form_repeats_key(uint8_t opcode)
{
    return (forms[opcode].request & forms[opcode].answer & KEY) != 0;
}
