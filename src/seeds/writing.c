#include "seeds/writing.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void seed_begin(struct seed *seed, struct span preamble)
{
    memcpy(seed->bytes, preamble.data, preamble.size);
    seed->preamble = preamble.size;
    seed->size = preamble.size;
    seed->units = 0;
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t writing_hash_of(const struct seed *seed)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < seed->size; i++) {
        hash = (hash ^ seed->bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool is_new(struct seeds *seeds, uint64_t hash)
{
    for (unsigned i = 0; i < seeds->count; i++) {
        if (seeds->hashes[i] == hash) {
            return false;
        }
    }
    return seeds->count < SEEDS_MAX;
}

static void write_file(struct seeds *seeds, const struct seed *seed, uint64_t hash)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%016llx", seeds->folder, (unsigned long long)hash);
    FILE *file = fopen(path, "wbe");
    bool written = file != NULL && fwrite(seed->bytes, 1, seed->size, file) == seed->size;
    if (file != NULL && fclose(file) != 0) {
        written = false;
    }
    if (written) {
        seeds->hashes[seeds->count++] = hash;
    } else if (seeds->failed == 0) {
        seeds->failed = errno != 0 ? errno : EIO;
    }
}

void seed_end(struct seeds *seeds, struct seed *seed)
{
    uint64_t hash = writing_hash_of(seed);
    if (seed->units > 0 && is_new(seeds, hash)) {
        write_file(seeds, seed, hash);
    }
    seed->size = seed->preamble;
    seed->units = 0;
}

uint8_t *seed_add(struct seeds *seeds, struct seed *seed, size_t size)
{
    if (seed->units == SEED_UNITS_MAX || size > sizeof(seed->bytes) - seed->size) {
        seed_end(seeds, seed);
    }
    if (size > sizeof(seed->bytes) - seed->size) {
        return NULL;
    }
    uint8_t *at = seed->bytes + seed->size;
    seed->size += size;
    seed->units++;
    return at;
}

static void put_le32(uint8_t *at, uint32_t number)
{
    number = htole32(number);
    memcpy(at, &number, sizeof(number));
}

void pcap_put_header(uint8_t header[PCAP_HEADER_SIZE], uint32_t link)
{
    memset(header, 0, PCAP_HEADER_SIZE);
    put_le32(header, 0xa1b2c3d4);
    put_le32(header + 4, 2 | 4 << 16); /* version 2.4 */
    put_le32(header + 16, 262144);     /* snap length */
    put_le32(header + 20, link);
}

void pcap_put_record(uint8_t record[PCAP_RECORD_SIZE], int64_t time, uint32_t captured,
                     uint32_t length)
{
    put_le32(record, (uint32_t)(time / 1000000000));
    put_le32(record + 4, (uint32_t)(time % 1000000000 / 1000));
    put_le32(record + 8, captured);
    put_le32(record + 12, length);
}
