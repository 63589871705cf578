/*
 * Counts the TLS records in a stream, by their headers.
 */
#ifndef KVREPLAY_BENCH_TLS_RECORDS_H
#define KVREPLAY_BENCH_TLS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

enum { TLS_RECORD_HEADER = 5, TLS_RECORD_MAX = 16384 /* of what it carries: RFC 8446, 5.1 */ };

struct tls_records {
    uint64_t count; /* begun */
    uint8_t header[TLS_RECORD_HEADER];
    size_t header_size; /* bytes of it that are there */
    size_t rest;        /* bytes of the record still to come */
};

/* The next bytes of the stream, cut anywhere. */
void tls_records_feed(struct tls_records *records, const uint8_t *bytes, size_t size);

#endif
