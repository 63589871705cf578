#include "mcbp/opcode.h"

#include "mcbp/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct opcode_row {
    const char *name; /* NULL: the number has no name */
    uint8_t loud;
    enum mcbp_family family;
    bool has_document_key;
};

/* Of the bodies in the table, only whether there is a document's key is of interest here. */
enum { NOTHING = 0, KEY = 1, NAME = 0, ANY_KEY = 0, VALUE = 0 };

#define OPCODE_ROW(name, number, loud, family, extras, body, ...)                                  \
    [number] = {#name, loud, MCBP_FAMILY_##family, ((body)&KEY) != 0},
static const struct opcode_row client_opcodes[256] = {MCBP_OPCODES(OPCODE_ROW)};
#undef OPCODE_ROW

/* Requests that a server sends with magic 0x82 (cb::mcbp::ServerOpcode in kv_engine's protocol). */
static const char *const server_opcodes[] = {
    [MCBP_CLUSTERMAP_CHANGE_NOTIFICATION] = "CLUSTERMAP_CHANGE_NOTIFICATION",
    [0x02] = "AUTHENTICATE",
    [0x03] = "ACTIVE_EXTERNAL_USERS",
    [0x04] = "AUTHORIZATION",
};

const char *mcbp_opcode_text(uint8_t magic, uint8_t opcode, char text[MCBP_OPCODE_TEXT_SIZE])
{
    const char *name = NULL;
    if (magic == MCBP_SERVER_REQUEST || magic == MCBP_SERVER_RESPONSE) {
        if (opcode < sizeof(server_opcodes) / sizeof(server_opcodes[0])) {
            name = server_opcodes[opcode];
        }
    } else {
        name = client_opcodes[opcode].name;
    }
    if (name != NULL) {
        return name;
    }
    snprintf(text, MCBP_OPCODE_TEXT_SIZE, "0x%02x", opcode);
    return text;
}

const char *mcbp_opcode_couchbase_text(uint8_t magic, uint8_t opcode,
                                       char text[MCBP_OPCODE_TEXT_SIZE])
{
    const char *name = mcbp_opcode_text(magic, opcode, text);
    if (name == client_opcodes[MCBP_IOCTL_GET].name) {
        return "IOCTL_GET";
    }
    return name == client_opcodes[MCBP_IOCTL_SET].name ? "IOCTL_SET" : name;
}

static bool find_couchbase_name(const char *text, uint8_t *opcode)
{
    bool get = strcasecmp(text, "IOCTL_GET") == 0;
    if (get || strcasecmp(text, "IOCTL_SET") == 0) {
        *opcode = get ? MCBP_IOCTL_GET : MCBP_IOCTL_SET;
        return true;
    }
    return false;
}

bool mcbp_opcode_find(const char *text, uint8_t *opcode)
{
    for (unsigned number = 0; number < 256; number++) {
        if (client_opcodes[number].name != NULL &&
            strcasecmp(client_opcodes[number].name, text) == 0) {
            *opcode = (uint8_t)number;
            return true;
        }
    }
    if (find_couchbase_name(text, opcode)) {
        return true;
    }
    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) {
        return false;
    }
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 16);
    if (errno != 0 || *end != '\0' || end == text + 2 || number > 255) {
        return false;
    }
    *opcode = (uint8_t)number;
    return true;
}

uint8_t mcbp_opcode_loud(uint8_t opcode)
{
    return client_opcodes[opcode].name != NULL ? client_opcodes[opcode].loud : opcode;
}

bool mcbp_opcode_is_quiet(uint8_t opcode)
{
    return mcbp_opcode_loud(opcode) != opcode;
}

enum mcbp_family mcbp_opcode_family(uint8_t opcode)
{
    return client_opcodes[opcode].family;
}

/* What belongs to all of a family. */
static const struct family_row {
    bool changes;
    bool makes_version;
    bool retrieves;
    int8_t expiry_offset;
} families[] = {
    [MCBP_FAMILY_OTHER] = {false, false, false, MCBP_NO_EXPIRY},
    [MCBP_FAMILY_RETRIEVE] = {false, false, true, MCBP_NO_EXPIRY},
    [MCBP_FAMILY_RETRIEVE_TOUCH] = {true, false, true, 0},
    [MCBP_FAMILY_TOUCH] = {true, false, false, 0},
    [MCBP_FAMILY_STORE] = {true, true, false, 4}, /* behind the flags */
    [MCBP_FAMILY_CONCATENATE] = {true, true, false, MCBP_NO_EXPIRY},
    [MCBP_FAMILY_COUNT] = {true, true, false, 16}, /* behind delta and initial value */
    [MCBP_FAMILY_REMOVE] = {true, false, false, MCBP_NO_EXPIRY},
    [MCBP_FAMILY_EMPTY] = {false, false, false, 0},
    [MCBP_FAMILY_AUTHENTICATE] = {false, false, false, MCBP_NO_EXPIRY},
    [MCBP_FAMILY_DCP_CONSUMER] = {false, false, false, MCBP_NO_EXPIRY},
    [MCBP_FAMILY_DCP_PRODUCER] = {false, false, false, MCBP_NO_EXPIRY},
    [MCBP_FAMILY_DCP_EITHER] = {false, false, false, MCBP_NO_EXPIRY},
};

bool mcbp_opcode_changes(uint8_t opcode)
{
    return families[mcbp_opcode_family(opcode)].changes;
}

bool mcbp_opcode_is_keyed(uint8_t opcode)
{
    return mcbp_opcode_changes(opcode) || mcbp_opcode_retrieves(opcode);
}

bool mcbp_opcode_makes_version(uint8_t opcode)
{
    return families[mcbp_opcode_family(opcode)].makes_version;
}

bool mcbp_opcode_retrieves(uint8_t opcode)
{
    return families[mcbp_opcode_family(opcode)].retrieves;
}

bool mcbp_opcode_counts(uint8_t opcode)
{
    return mcbp_opcode_family(opcode) == MCBP_FAMILY_COUNT;
}

bool mcbp_opcode_concatenates(uint8_t opcode)
{
    return mcbp_opcode_family(opcode) == MCBP_FAMILY_CONCATENATE;
}

bool mcbp_opcode_is_producers(uint8_t opcode)
{
    enum mcbp_family family = mcbp_opcode_family(opcode);
    return family == MCBP_FAMILY_DCP_PRODUCER || family == MCBP_FAMILY_DCP_EITHER;
}

bool mcbp_opcode_is_memcacheds(uint8_t opcode)
{
    return opcode <= MCBP_GATKQ && opcode != MCBP_HELLO;
}

bool mcbp_opcode_has_collection(uint8_t opcode)
{
    /* Where there are collections, GATK and GATKQ are something else. */
    return client_opcodes[opcode].has_document_key && opcode != MCBP_IOCTL_GET &&
           opcode != MCBP_IOCTL_SET;
}

bool mcbp_opcode_empties(uint8_t opcode)
{
    return mcbp_opcode_family(opcode) == MCBP_FAMILY_EMPTY;
}

int mcbp_opcode_expiry_offset(uint8_t opcode)
{
    return families[mcbp_opcode_family(opcode)].expiry_offset;
}
