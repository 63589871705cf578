#include "anonymise/text.h"

#include "base/endian.h"

#include <ctype.h>

enum {
    ROUNDS = 10,
    CHUNK = 64,            /* characters of a stream that are drawn at once */
    LEAST_2 = 0x80,        /* the first character that takes two bytes of UTF-8, */
    LEAST_3 = 0x800,       /* three, */
    LEAST_4 = 0x10000,     /* four, */
    LEAST_NONE = 0x110000, /* and that there is none of */
    SURROGATES = 0xd800,   /* and what they are: no characters */
    SURROGATES_END = 0xe000,
    ESCAPE_SIZE = 6, /* \uXXXX */
};

/* --------------------------------------------------------------------------------- characters */

enum form { FORM_UTF8, FORM_ESCAPE, FORM_PAIR /* of escapes */, FORM_OTHER /* none, is kept */ };

struct character {
    uint32_t point;
    uint8_t size; /* bytes that it is written with */
    enum form form;
};

static struct character character_of_utf8(struct span text)
{
    static const uint32_t least[] = {0, 0, LEAST_2, LEAST_3, LEAST_4};
    const struct character none = {.size = 1, .form = FORM_OTHER};
    uint8_t first = text.data[0];
    size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (size == 0 || size > text.size || first >= 0xf8) {
        return none;
    }
    uint32_t point = size == 1 ? first : first & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text.data[i] & 0xc0) != 0x80) {
            return none;
        }
        point = point << 6 | (text.data[i] & 0x3f);
    }
    bool valid = point >= least[size] && point < LEAST_NONE &&
                 (point < SURROGATES || point >= SURROGATES_END);
    return valid ? (struct character){point, (uint8_t)size, FORM_UTF8} : none;
}

/* The number of \uXXXX, -1: there is none. */
static int32_t escaped(struct span text)
{
    int32_t number = 0;
    if (text.size < ESCAPE_SIZE || text.data[0] != '\\' || text.data[1] != 'u') {
        return -1;
    }
    for (size_t i = 2; i < ESCAPE_SIZE; i++) {
        int digit = tolower(text.data[i]);
        if (!isxdigit(digit)) {
            return -1;
        }
        number = number << 4 | (isdigit(digit) ? digit - '0' : digit - 'a' + 10);
    }
    return number;
}

static struct character character_of_escape(struct span text)
{
    enum { SECOND = 0xdc00 };
    const struct character none = {.size = ESCAPE_SIZE, .form = FORM_OTHER};
    int32_t number = escaped(text);
    if (number < 0) {
        return (struct character){.size = text.size > 1 ? 2 : 1, .form = FORM_OTHER};
    }
    if (number < SURROGATES || number >= SURROGATES_END) {
        return (struct character){(uint32_t)number, ESCAPE_SIZE, FORM_ESCAPE};
    }
    int32_t second = number < SECOND ? escaped(span_skip(text, ESCAPE_SIZE)) : -1;
    if (second < SECOND || second >= SURROGATES_END) {
        return none;
    }
    uint32_t point = LEAST_4 + (((uint32_t)number & 0x3ff) << 10 | ((uint32_t)second & 0x3ff));
    return (struct character){point, 2 * ESCAPE_SIZE, FORM_PAIR};
}

static struct character character_at(struct span text)
{
    return text.data[0] == '\\' ? character_of_escape(text) : character_of_utf8(text);
}

static void write_escape(uint8_t *out, uint32_t number)
{
    static const char digits[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'u';
    for (unsigned i = 0; i < 4; i++) {
        out[2 + i] = (uint8_t)digits[number >> (12 - 4 * i) & 15];
    }
}

static void write_character(uint8_t *out, const struct character *character)
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    uint32_t point = character->point;
    if (character->form == FORM_ESCAPE) {
        write_escape(out, point);
    } else if (character->form == FORM_PAIR) {
        write_escape(out, SURROGATES | (point - LEAST_4) >> 10);
        write_escape(out + ESCAPE_SIZE, 0xdc00 | (point & 0x3ff));
    } else {
        for (size_t i = character->size; i-- > 1; point >>= 6) {
            out[i] = (uint8_t)(0x80 | (point & 0x3f));
        }
        out[0] = (uint8_t)(leads[character->size == 1 ? 0 : character->size] | point);
    }
}

bool text_is_utf8(struct span text)
{
    while (text.size > 0) {
        struct character character = character_of_utf8(text);
        if (character.form == FORM_OTHER || character.point < ' ') {
            return false;
        }
        text = span_skip(text, character.size);
    }
    return true;
}

/* --------------------------------------------------------------------------------- alphabets */

enum alphabet_of { OF_STRINGS, OF_WORDS, OF_DIGITS };

/* All of printable ASCII but the quotation mark and the backslash. */
static const char STRINGS[] = " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`"
                              "abcdefghijklmnopqrstuvwxyz{|}~";

static const char *const ASCII[] = {
    [OF_STRINGS] = STRINGS,
    [OF_WORDS] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    [OF_DIGITS] = "0123456789",
};

/* A character as a number below a radix, which all that may take its place have in common. */
struct digit {
    uint32_t radix; /* 0: none, the character is kept */
    uint32_t value;
};

static struct digit digit_of(enum alphabet_of of, const struct character *character)
{
    const struct digit none = {0, 0};
    uint32_t point = character->point;
    if (character->form == FORM_OTHER || point == 0) {
        return none;
    }
    if (point < LEAST_2) {
        const char *place = strchr(ASCII[of], (int)point);
        return place == NULL
                   ? none
                   : (struct digit){(uint32_t)strlen(ASCII[of]), (uint32_t)(place - ASCII[of])};
    }
    if (of == OF_DIGITS) {
        return none;
    }
    if (point < LEAST_3) {
        return (struct digit){LEAST_3 - LEAST_2, point - LEAST_2};
    }
    if (point < LEAST_4) {
        uint32_t gap = SURROGATES_END - SURROGATES;
        return (struct digit){LEAST_4 - LEAST_3 - gap,
                              point - LEAST_3 - (point >= SURROGATES_END ? gap : 0)};
    }
    return (struct digit){LEAST_NONE - LEAST_4, point - LEAST_4};
}

/* The character that takes the place of another one. */
static uint32_t point_of(enum alphabet_of of, uint32_t before, uint32_t value)
{
    if (before < LEAST_2) {
        return (uint8_t)ASCII[of][value];
    }
    if (before < LEAST_3) {
        return LEAST_2 + value;
    }
    if (before < LEAST_4) {
        uint32_t point = LEAST_3 + value;
        return point < SURROGATES ? point : point + (SURROGATES_END - SURROGATES);
    }
    return LEAST_4 + value;
}

/* ------------------------------------------------------------------------------ permutations */

/* Adds to each digit of `side` a number that follows from the round and all of `other`. */
static void text_add_round(struct secret *secret, uint32_t label, struct digit *side, size_t size,
                           const struct digit *other, size_t other_size)
{
    uint8_t bytes[4 + 8 * (TEXT_EXACT + 1)];
    uint8_t seed[SECRET_DIGEST_SIZE];
    uint8_t random[4 * (TEXT_EXACT + 1)];
    size_t at = 4;
    write_be32(bytes, label);
    for (size_t i = 0; i < size; i++, at += 4) {
        write_be32(bytes + at, side[i].radix);
    }
    for (size_t i = 0; i < other_size; i++, at += 8) {
        write_be32(bytes + at, other[i].radix);
        write_be32(bytes + at + 4, other[i].value);
    }
    struct span parts = span_of(bytes, at);
    secret_digest(secret, SECRET_TEXT_ROUND, &parts, 1, seed);
    secret_begin(secret, seed);
    secret_take(secret, random, 4 * size);
    for (size_t i = 0; i < size; i++) {
        uint64_t sum = (uint64_t)side[i].value + read_be32(random + 4 * i);
        side[i].value = (uint32_t)(sum % side[i].radix);
    }
}

/* A Feistel network, as substitute.h has it, over digits of several radices. */
static void permute_several(struct secret *secret, enum alphabet_of of, struct digit *digits,
                            size_t count)
{
    size_t half = count / 2;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t label = (uint32_t)of << 16 | round << 8 | (uint32_t)count;
        if (round % 2 == 0) {
            text_add_round(secret, label, digits, half, digits + half, count - half);
        } else {
            text_add_round(secret, label, digits + half, count - half, digits, half);
        }
    }
}

/* A single digit is taken for two, of the smallest radix that is enough for both. */
static void permute_one(struct secret *secret, enum alphabet_of of, struct digit *digit)
{
    uint32_t radix = 1;
    while (radix * radix < digit->radix) {
        radix++;
    }
    do {
        struct digit halves[2] = {{radix, digit->value / radix}, {radix, digit->value % radix}};
        permute_several(secret, of, halves, 2);
        digit->value = halves[0].value * radix + halves[1].value;
    } while (digit->value >= digit->radix && !secret_failed(secret));
    digit->value %= digit->radix;
}

static void text_permute(struct secret *secret, enum alphabet_of of, struct digit *digits,
                         size_t count)
{
    if (count == 1) {
        permute_one(secret, of, digits);
    } else if (count > 1) {
        permute_several(secret, of, digits, count);
    }
}

/* ---------------------------------------------------------------------------------- replacing */

/* The characters of a text that are replaced. */
struct letters {
    struct character characters[TEXT_EXACT];
    struct digit digits[TEXT_EXACT];
    size_t places[TEXT_EXACT];
    size_t count; /* more than TEXT_EXACT: these are not all */
};

static void text_read(enum alphabet_of of, struct span text, struct letters *letters)
{
    letters->count = 0;
    for (size_t at = 0; at < text.size;) {
        struct character character = character_at(span_skip(text, at));
        struct digit digit = digit_of(of, &character);
        if (digit.radix > 0 && letters->count == TEXT_EXACT) {
            letters->count++;
            return;
        }
        if (digit.radix > 0) {
            letters->characters[letters->count] = character;
            letters->digits[letters->count] = digit;
            letters->places[letters->count++] = at;
        }
        at += character.size;
    }
}

static void text_write(enum alphabet_of of, struct letters *letters, uint8_t *bytes)
{
    for (size_t i = 0; i < letters->count; i++) {
        struct character *character = &letters->characters[i];
        character->point = point_of(of, character->point, letters->digits[i].value);
        write_character(bytes + letters->places[i], character);
    }
}

/* What is too long for a permutation: characters that follow from all of it. */
static void text_stream(struct secret *secret, enum alphabet_of of, uint8_t *bytes, size_t size)
{
    struct span whole = span_of(bytes, size);
    uint8_t seed[SECRET_DIGEST_SIZE];
    uint8_t random[4 * CHUNK];
    size_t left = 0;
    secret_digest(secret, SECRET_TEXT_STREAM, &whole, 1, seed);
    secret_begin(secret, seed);
    for (size_t at = 0; at < size;) {
        struct character character = character_at(span_skip(whole, at));
        struct digit digit = digit_of(of, &character);
        if (digit.radix > 0) {
            if (left == 0) {
                secret_take(secret, random, sizeof(random));
                left = CHUNK;
            }
            uint32_t number = read_be32(random + 4 * --left);
            character.point = point_of(of, character.point, number % digit.radix);
            write_character(bytes + at, &character);
        }
        at += character.size;
    }
}

static bool are_digits(enum alphabet_of of, const struct letters *letters)
{
    bool digits = of != OF_DIGITS;
    for (size_t i = 0; i < letters->count; i++) {
        struct character now = letters->characters[i];
        now.point = point_of(of, now.point, letters->digits[i].value);
        digits &= now.point < LEAST_2 && isdigit((int)now.point);
    }
    return digits;
}

static bool text_is_digits(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!isdigit(text.data[i])) {
            return false;
        }
    }
    return true;
}

static void replace_letters(struct secret *secret, enum alphabet_of of, uint8_t *bytes, size_t size)
{
    struct letters letters;
    if (text_is_digits(span_of(bytes, size))) {
        of = OF_DIGITS;
    }
    text_read(of, span_of(bytes, size), &letters);
    if (letters.count > TEXT_EXACT) {
        text_stream(secret, of, bytes, size);
        return;
    }
    bool others = letters.count < size; /* escapes, say: it can't become digits alone */
    do {
        text_permute(secret, of, letters.digits, letters.count);
    } while (!others && are_digits(of, &letters) && !secret_failed(secret));
    text_write(of, &letters, bytes);
}

void text_replace_string(struct secret *secret, uint8_t *bytes, size_t size)
{
    if (size > 0) {
        replace_letters(secret, OF_STRINGS, bytes, size);
    }
}

size_t text_index_size(struct span text)
{
    size_t at = text.size > 1 && text.data[1] == '-' ? 2 : 1;
    size_t first = at;
    while (at < text.size && isdigit(text.data[at])) {
        at++;
    }
    bool index = at > first && at < text.size && text.data[0] == '[' && text.data[at] == ']';
    return index ? at + 1 : 0;
}

static size_t word_size(struct span text)
{
    size_t at = 0;
    while (at < text.size) {
        struct character character = character_at(span_skip(text, at));
        if (digit_of(OF_WORDS, &character).radix == 0) {
            break;
        }
        at += character.size;
    }
    return at;
}

void text_replace_names(struct secret *secret, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        struct span rest = span_of(bytes + at, size - at);
        size_t index = text_index_size(rest);
        size_t word = word_size(rest);
        if (word > 0) {
            replace_letters(secret, OF_WORDS, bytes + at, word);
        }
        at += index > 0 ? index : word > 0 ? word : character_at(rest).size;
    }
}

/* ------------------------------------------------------------------------------------ numbers */

/* Finds digits from `at` on, before the exponent; zeros that a number begins with are none. Returns
 * where to go on. */
static size_t find_digits(struct span number, size_t at, bool *begun, struct letters *letters)
{
    letters->count = 0;
    while (at < number.size && tolower(number.data[at]) != 'e' && letters->count < TEXT_EXACT) {
        bool digit = isdigit(number.data[at]) && (*begun || number.data[at] != '0');
        if (digit) {
            uint32_t least = *begun ? 0 : 1; /* the first stays other than zero */
            uint32_t value = (uint32_t)(number.data[at] - '0');
            letters->digits[letters->count] = (struct digit){10 - least, value - least};
            letters->places[letters->count++] = at;
            *begun = true;
        }
        at++;
    }
    return at;
}

void text_replace_number(struct secret *secret, uint8_t *bytes, size_t size)
{
    struct letters letters;
    bool begun = false;
    size_t at = 0;
    do {
        at = find_digits(span_of(bytes, size), at, &begun, &letters);
        text_permute(secret, OF_DIGITS, letters.digits, letters.count);
        for (size_t i = 0; i < letters.count; i++) {
            uint32_t least = 10 - letters.digits[i].radix;
            bytes[letters.places[i]] = (uint8_t)('0' + least + letters.digits[i].value);
        }
    } while (letters.count == TEXT_EXACT);
}
