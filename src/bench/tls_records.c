#include "bench/tls_records.h"

#include "base/endian.h"

static size_t tls_records_at_most(size_t size, size_t limit)
{
    return size < limit ? size : limit;
}

void tls_records_feed(struct tls_records *records, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t taken = tls_records_at_most(size, records->rest);
        if (records->rest == 0) {
            taken = tls_records_at_most(size, TLS_RECORD_HEADER - records->header_size);
            records->count += records->header_size == 0;
            memcpy(records->header + records->header_size, bytes, taken);
            records->header_size += taken;
        } else {
            records->rest -= taken;
        }
        if (records->header_size == TLS_RECORD_HEADER) {
            records->rest = read_be16(records->header + 3);
            records->header_size = 0;
        }
        bytes += taken;
        size -= taken;
    }
}
