/*
 * A subdocument operation, and what came of it.
 */
#ifndef KVREPLAY_SUBDOC_OPERATION_H
#define KVREPLAY_SUBDOC_OPERATION_H

#include "base/span.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

struct subdoc_operation {
    uint8_t opcode; /* MCBP_SUBDOC_GET ..., but for the multi forms */
    struct span path;
    struct span value; /* of mutations */
    bool makes_parents;
};

enum { SUBDOC_NUMBER_SIZE = 24 };

struct subdoc_result {
    struct span value; /* points into the document or at `number`; empty if there is none */
    char number[SUBDOC_NUMBER_SIZE];
    size_t begin;    /* mutations: the document's bytes from here */
    size_t end;      /* to here were replaced */
    size_t inserted; /* by so many */
};

#endif
