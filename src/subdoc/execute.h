/*
 * Couchbase's subdocument operations on the text of a document, as couchbase/subjson has them
 * (subdoc/operations.cc), to the byte: what an operation doesn't touch stays as it is, white space
 * and the order of members included. A deleted member takes the comma behind it along, and the
 * blanks before that; the last one takes the comma before it and the blanks behind that. What is
 * added to an object or array comes right before its closing bracket, behind any blanks; those of
 * an array without elements go. PUSH_LAST to the outermost array drops the blanks before and behind
 * its bracket.
 *
 * What is wrong in subjson is wrong here: after a name behind [-1], DELETE leaves a comma that is
 * one too many, and ADD_UNIQUE does not look whether the value is there. A document that is a
 * number, or another literal, and nothing else has [-1]: that is empty, and COUNTER writes its sum
 * before it.
 *
 * The document is JSON: the caller knows (the datatype of its item says so). Of other text as much
 * is noticed as an operation happens to read; no text makes these functions fail otherwise.
 */
#ifndef KVREPLAY_SUBDOC_EXECUTE_H
#define KVREPLAY_SUBDOC_EXECUTE_H

#include "subdoc/operation.h"

struct buffer;

/*
 * GET, EXISTS and GET_COUNT. `result`, which the caller keeps in place as long as its value is
 * used, is written on success: value is what was found, or the count.
 *
 * SUCCESS, or of SUBDOC_: PATH_NOT_FOUND; PATH_MISMATCH, also for the count of a scalar;
 * PATH_INVALID; PATH_TOO_BIG; DOCUMENT_TOO_DEEP; DOCUMENT_NOT_JSON. INTERNAL_ERROR for another
 * opcode.
 */
enum mcbp_status subdoc_lookup(const struct subdoc_operation *operation, struct span document,
                               struct subdoc_result *result);

/*
 * All others. On success the new document is appended to `changed`, which does not hold the
 * document, and `result` says what has changed; its value is COUNTER's new number.
 *
 * SUCCESS, or of SUBDOC_: those of subdoc_lookup(); VALUE_CANNOT_INSERT for a value that is not
 * JSON there, for the outermost value as the target, for a counter that would overflow;
 * VALUE_TOO_DEEP; PATH_EXISTS (DICT_ADD, ADD_UNIQUE); NUMBER_RANGE_ERROR (the counter that is
 * there), DELTA_INVALID. INTERNAL_ERROR for another opcode, for an empty value, and for REPLACE,
 * DELETE and ARRAY_INSERT with makes_parents, which a server has from the flag that adds a
 * document. NO_MEMORY: `changed` is as before.
 */
enum mcbp_status subdoc_mutate(const struct subdoc_operation *operation, struct span document,
                               struct buffer *changed, struct subdoc_result *result);

#endif
