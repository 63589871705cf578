#include "anonymise/alphabet.h"

#include "base/endian.h"

/* Bytes from first to last may become one another. */
struct kind {
    uint8_t first;
    uint8_t last;
};

/* Of hexadecimal digits' letters, so that escapes stay escapes; and of UTF-8: second and later
 * bytes, of which some may only have a part behind some first bytes, and first bytes. */
static const struct kind TEXT[] = {
    {'1', '9'},   {'A', 'F'},   {'G', 'Z'},   {'a', 'f'},   {'g', 'z'},
    {0x80, 0x8f}, {0x90, 0x9f}, {0xa0, 0xbf}, {0xc2, 0xdf}, {0xe1, 0xec},
    {0xee, 0xef}, {0xf1, 0xf3}, {0, 0},
};
/* Digits stay digits, as nothing else can be repeated and be JSON. */
static const struct kind ANY[] = {{0x00, '/'}, {'1', '9'}, {':', 0xff}, {0, 0}};

/* A random order (Fisher and Yates) of those of the kind that are not pinned. */
static void shuffle(struct alphabet *self, struct secret *secret, const struct kind *kind,
                    const struct alphabet_pins *pins)
{
    uint8_t bytes[256];
    size_t count = 0;
    for (unsigned byte = kind->first; byte <= kind->last; byte++) {
        if (!alphabet_is_pinned(pins, (uint8_t)byte)) {
            bytes[count++] = (uint8_t)byte;
        }
    }
    size_t at = 0;
    for (unsigned byte = kind->first; byte <= kind->last; byte++) {
        if (!alphabet_is_pinned(pins, (uint8_t)byte)) {
            uint8_t random[4];
            secret_take(secret, random, sizeof(random));
            size_t other = at + read_be32(random) % (count - at);
            self->becomes[byte] = bytes[other];
            bytes[other] = bytes[at++];
        }
    }
}

void alphabet_init(struct alphabet *self, struct secret *secret, const struct name *name,
                   const struct alphabet_pins *pins, bool text)
{
    struct span part = span_of(name->bytes, sizeof(name->bytes));
    uint8_t seed[SECRET_DIGEST_SIZE];
    for (unsigned i = 0; i < 256; i++) {
        self->becomes[i] = (uint8_t)i;
    }
    secret_digest(secret, SECRET_ALPHABET, &part, 1, seed);
    secret_begin(secret, seed);
    for (const struct kind *kind = text ? TEXT : ANY; kind->last != 0; kind++) {
        shuffle(self, secret, kind, pins);
    }
}
