/*
 * The statuses of responses: number, name, and the text that memcached 1.6 puts into the body of an
 * error response (proto_bin.c, write_bin_error); NULL where it sends none. Couchbase's are named in
 * include/mcbp/protocol/status.h of couchbase/kv_engine.
 */
#ifndef KVREPLAY_MCBP_STATUS_H
#define KVREPLAY_MCBP_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCBP_STATUSES(X)                                                                           \
    X(SUCCESS, 0x00, NULL)                                                                         \
    X(KEY_NOT_FOUND, 0x01, "Not found")                                                            \
    X(KEY_EXISTS, 0x02, "Data exists for key.")                                                    \
    X(TOO_LARGE, 0x03, "Too large.")                                                               \
    X(INVALID_ARGUMENTS, 0x04, "Invalid arguments")                                                \
    X(NOT_STORED, 0x05, "Not stored.")                                                             \
    X(DELTA_BAD_VALUE, 0x06, "Non-numeric server-side value for incr or decr")                     \
    X(NOT_MY_VBUCKET, 0x07, NULL)                                                                  \
    X(NO_BUCKET, 0x08, NULL)                                                                       \
    X(LOCKED, 0x09, NULL)                                                                          \
    X(DCP_STREAM_NOT_FOUND, 0x0a, NULL)                                                            \
    X(OPAQUE_NO_MATCH, 0x0b, NULL)                                                                 \
    X(WOULD_THROTTLE, 0x0c, NULL)                                                                  \
    X(CONFIG_ONLY, 0x0d, NULL)                                                                     \
    X(NOT_LOCKED, 0x0e, NULL)                                                                      \
    X(CAS_VALUE_INVALID, 0x0f, NULL)                                                               \
    X(AUTH_STALE, 0x1f, NULL)                                                                      \
    X(AUTH_ERROR, 0x20, "Auth failure.")                                                           \
    X(AUTH_CONTINUE, 0x21, NULL)                                                                   \
    X(RANGE_ERROR, 0x22, NULL)                                                                     \
    X(ROLLBACK, 0x23, NULL)                                                                        \
    X(NO_ACCESS, 0x24, NULL)                                                                       \
    X(NOT_INITIALIZED, 0x25, NULL)                                                                 \
    X(ENCRYPTION_KEY_NOT_AVAILABLE, 0x26, NULL)                                                    \
    X(CHECKSUM_MISMATCH, 0x27, NULL)                                                               \
    X(EXPIRY_OVERFLOW, 0x28, NULL)                                                                 \
    X(LOCK_EXPIRY_OVERFLOW, 0x29, NULL)                                                            \
    X(RATE_LIMITED_NETWORK_INGRESS, 0x30, NULL)                                                    \
    X(RATE_LIMITED_NETWORK_EGRESS, 0x31, NULL)                                                     \
    X(RATE_LIMITED_MAX_CONNECTIONS, 0x32, NULL)                                                    \
    X(RATE_LIMITED_MAX_COMMANDS, 0x33, NULL)                                                       \
    X(BUCKET_SIZE_LIMIT_EXCEEDED, 0x35, NULL)                                                      \
    X(BUCKET_RESIDENT_RATIO_TOO_LOW, 0x36, NULL)                                                   \
    X(BUCKET_DATA_SIZE_TOO_BIG, 0x37, NULL)                                                        \
    X(BUCKET_DISK_SPACE_TOO_LOW, 0x38, NULL)                                                       \
    X(BUCKET_PAUSED, 0x50, NULL)                                                                   \
    X(CANCELLED, 0x51, NULL)                                                                       \
    X(UNKNOWN_FRAME_INFO, 0x80, NULL)                                                              \
    X(UNKNOWN_COMMAND, 0x81, "Unknown command")                                                    \
    X(NO_MEMORY, 0x82, "Out of memory")                                                            \
    X(NOT_SUPPORTED, 0x83, NULL)                                                                   \
    X(INTERNAL_ERROR, 0x84, NULL)                                                                  \
    X(BUSY, 0x85, NULL)                                                                            \
    X(TEMPORARY_FAILURE, 0x86, NULL)                                                               \
    X(XATTR_INVALID, 0x87, NULL)                                                                   \
    X(UNKNOWN_COLLECTION, 0x88, NULL)                                                              \
    X(CANNOT_APPLY_COLLECTIONS_MANIFEST, 0x8a, NULL)                                               \
    X(UNKNOWN_SCOPE, 0x8c, NULL)                                                                   \
    X(DCP_STREAM_ID_INVALID, 0x8d, NULL)                                                           \
    X(DURABILITY_INVALID_LEVEL, 0xa0, NULL)                                                        \
    X(DURABILITY_IMPOSSIBLE, 0xa1, NULL)                                                           \
    X(SYNC_WRITE_IN_PROGRESS, 0xa2, NULL)                                                          \
    X(SYNC_WRITE_AMBIGUOUS, 0xa3, NULL)                                                            \
    X(SYNC_WRITE_RECOMMIT_IN_PROGRESS, 0xa4, NULL)                                                 \
    X(RANGE_SCAN_CANCELLED, 0xa5, NULL)                                                            \
    X(RANGE_SCAN_MORE, 0xa6, NULL)                                                                 \
    X(RANGE_SCAN_COMPLETE, 0xa7, NULL)                                                             \
    X(VBUCKET_UUID_NOT_EQUAL, 0xa8, NULL)                                                          \
    X(SUBDOC_PATH_NOT_FOUND, 0xc0, NULL)                                                           \
    X(SUBDOC_PATH_MISMATCH, 0xc1, NULL)                                                            \
    X(SUBDOC_PATH_INVALID, 0xc2, NULL)                                                             \
    X(SUBDOC_PATH_TOO_BIG, 0xc3, NULL)                                                             \
    X(SUBDOC_DOCUMENT_TOO_DEEP, 0xc4, NULL)                                                        \
    X(SUBDOC_VALUE_CANNOT_INSERT, 0xc5, NULL)                                                      \
    X(SUBDOC_DOCUMENT_NOT_JSON, 0xc6, NULL)                                                        \
    X(SUBDOC_NUMBER_RANGE_ERROR, 0xc7, NULL)                                                       \
    X(SUBDOC_DELTA_INVALID, 0xc8, NULL)                                                            \
    X(SUBDOC_PATH_EXISTS, 0xc9, NULL)                                                              \
    X(SUBDOC_VALUE_TOO_DEEP, 0xca, NULL)                                                           \
    X(SUBDOC_INVALID_COMBINATION, 0xcb, NULL)                                                      \
    X(SUBDOC_MULTI_PATH_FAILURE, 0xcc, NULL)                                                       \
    X(SUBDOC_SUCCESS_DELETED, 0xcd, NULL)                                                          \
    X(SUBDOC_XATTR_INVALID_FLAG_COMBINATION, 0xce, NULL)                                           \
    X(SUBDOC_XATTR_INVALID_KEY_COMBINATION, 0xcf, NULL)                                            \
    X(SUBDOC_XATTR_UNKNOWN_MACRO, 0xd0, NULL)                                                      \
    X(SUBDOC_XATTR_UNKNOWN_VATTR, 0xd1, NULL)                                                      \
    X(SUBDOC_XATTR_CANNOT_MODIFY_VATTR, 0xd2, NULL)                                                \
    X(SUBDOC_MULTI_PATH_FAILURE_DELETED, 0xd3, NULL)                                               \
    X(SUBDOC_INVALID_XATTR_ORDER, 0xd4, NULL)                                                      \
    X(SUBDOC_XATTR_UNKNOWN_VATTR_MACRO, 0xd5, NULL)                                                \
    X(SUBDOC_CAN_ONLY_REVIVE_DELETED_DOCUMENTS, 0xd6, NULL)                                        \
    X(SUBDOC_DELETED_DOCUMENT_CANNOT_HAVE_VALUE, 0xd7, NULL)                                       \
    X(SUBDOC_FIELD_NOT_BINARY_VALUE, 0xd8, NULL)

#define MCBP_STATUS_ENUM(name, number, text) MCBP_STATUS_##name = (number),
enum mcbp_status { MCBP_STATUSES(MCBP_STATUS_ENUM) };
#undef MCBP_STATUS_ENUM

enum { MCBP_STATUS_TEXT_SIZE = 8 };

/* The status's name, e.g. "KEY_EXISTS", or "0x0042" written into `text` for one without a name. */
const char *mcbp_status_text(uint16_t status, char text[MCBP_STATUS_TEXT_SIZE]);

/* Finds the status of that name, in any case, or written as a number ("0x81", "129"). */
bool mcbp_status_find(const char *text, uint16_t *status);

/* The text that memcached puts into the body of such an error response, or NULL. */
const char *mcbp_status_error_body(uint16_t status);

/* What memcached says instead with NO_MEMORY if it runs out while it reads a value that it keeps in
 * chunks. Source: conn_nread's reading in memcached 1.6. */
extern const char *const MCBP_STATUS_NO_MEMORY_LATE;

/* It is what memcached 1.6 says with NO_MEMORY, which depends on what it needed the memory for. */
bool mcbp_status_is_no_memory_body(const void *text, size_t size);

#endif
