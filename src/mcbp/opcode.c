#include "mcbp/opcode.h"

#include "mcbp/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct opcode_row {
    const char *name; /* NULL: the number has no name */
    uint8_t loud;
};

#define OPCODE_ROW(name, number, loud) [number] = {#name, loud},
static const struct opcode_row client_opcodes[256] = {MCBP_OPCODES(OPCODE_ROW)};
#undef OPCODE_ROW

/* Requests that a server sends with magic 0x82 (cb::mcbp::ServerOpcode in kv_engine's protocol). */
static const char *const server_opcodes[] = {
    [0x01] = "CLUSTERMAP_CHANGE_NOTIFICATION",
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

bool mcbp_opcode_find(const char *text, uint8_t *opcode)
{
    for (unsigned number = 0; number < 256; number++) {
        if (client_opcodes[number].name != NULL &&
            strcasecmp(client_opcodes[number].name, text) == 0) {
            *opcode = (uint8_t)number;
            return true;
        }
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

bool mcbp_opcode_is_dcp_message(uint8_t opcode)
{
    switch (opcode) {
    case MCBP_DCP_STREAM_END:
    case MCBP_DCP_SNAPSHOT_MARKER:
    case MCBP_DCP_MUTATION:
    case MCBP_DCP_DELETION:
    case MCBP_DCP_EXPIRATION:
    case MCBP_DCP_FLUSH:
    case MCBP_DCP_SET_VBUCKET_STATE:
    case MCBP_DCP_SYSTEM_EVENT:
    case MCBP_DCP_PREPARE:
    case MCBP_DCP_COMMIT:
    case MCBP_DCP_ABORT:
    case MCBP_DCP_SEQNO_ADVANCED:
    case MCBP_DCP_OSO_SNAPSHOT:
        return true;
    default:
        return false;
    }
}
