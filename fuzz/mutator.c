#include "mutator.h"

#include <string.h>

enum { UNITS_MAX = 512, OPERATIONS_MAX = 6, FRESH_MAX = 2048 };

struct unit {
    size_t at;
    size_t size;
};

/* An input taken apart. */
struct input {
    const struct form *form;
    uint8_t *data;
    size_t size;
    size_t max;
    struct random *random;
    size_t count;
    struct unit units[UNITS_MAX];
};

/* ------------------------------------------------------------------------------------ random */

/* splitmix64, by Sebastiano Vigna (public domain). */
static uint64_t next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t random_below(struct random *random, uint32_t limit)
{
    return limit == 0 ? 0 : (uint32_t)(next(random) % limit);
}

/* Widths of fields; chunks of libevent less their header; memcached's limits; signs. */
/* clang-format off */
static const uint32_t edges[] = {
    0, 1, 4, 8, 15, 16, 20, 24, 40, 127, 128, 250, 255, 256, 512, 928, 976, 1024, 1400, 2000,
    2048, 4048, 4096, 8144, 8192, 16336, 16384, 32720, 32768, 65535, 65536, 65488, 70000, 0x100000,
    INT32_MAX, UINT32_MAX, UINT32_MAX - 23, 0x80000018,
};
/* clang-format on */

uint32_t random_edge(struct random *random)
{
    uint32_t edge = edges[random_below(random, sizeof(edges) / sizeof(edges[0]))];
    return edge + random_below(random, 3) - 1;
}

/* ------------------------------------------------------------------------------------ units */

static void take_apart(struct input *input)
{
    const struct form *form = input->form;
    size_t at = form->preamble < input->size ? form->preamble : input->size;
    input->count = 0;
    while (at < input->size && input->count < UNITS_MAX) {
        size_t left = input->size - at;
        size_t size = form->unit > 0 ? form->unit : form->measure(input->data + at, left);
        size = size == 0 || size > left ? left : size;
        input->units[input->count++] = (struct unit){at, size};
        at += size;
    }
}

static struct unit *any_unit(struct input *input)
{
    return input->count == 0 ? NULL
                             : &input->units[random_below(input->random, (uint32_t)input->count)];
}

static bool make_room(struct input *input, size_t at, size_t size)
{
    if (size > input->max - input->size) {
        return false;
    }
    memmove(input->data + at + size, input->data + at, input->size - at);
    input->size += size;
    return true;
}

static void cut_out(struct input *input, size_t at, size_t size)
{
    memmove(input->data + at, input->data + at + size, input->size - at - size);
    input->size -= size;
}

/* ------------------------------------------------------------------------------------ fields */

static uint64_t get_number(const uint8_t *bytes, size_t width, bool little)
{
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++) {
        number = number << 8 | bytes[little ? width - 1 - i : i];
    }
    return number;
}

static void set_number(uint8_t *bytes, size_t width, bool little, uint64_t number)
{
    for (size_t i = 0; i < width; i++) {
        bytes[little ? i : width - 1 - i] = (uint8_t)(number >> (8 * i));
    }
}

static const struct field *choose_field(struct random *random, const struct field *fields)
{
    uint32_t sum = 0;
    for (const struct field *field = fields; field->width > 0; field++) {
        sum += field->weight;
    }
    uint32_t choice = random_below(random, sum);
    const struct field *field = fields;
    while (choice >= field->weight) {
        choice -= field->weight;
        field++;
    }
    return field;
}

static const struct field *fields_of(struct input *input, const struct unit *unit, size_t *base,
                                     bool *little)
{
    const struct form *form = input->form;
    *base = 0;
    *little = false;
    return form->locate == NULL
               ? form->fields
               : form->locate(input->random, input->data + unit->at, unit->size, base, little);
}

/* A field of a unit, if the unit has it. */
static uint8_t *any_field(struct input *input, const struct unit *unit, size_t *width, bool *little)
{
    size_t base;
    const struct field *fields = fields_of(input, unit, &base, little);
    if (fields == NULL) {
        return NULL;
    }
    const struct field *field = choose_field(input->random, fields);
    *width = field->width;
    return base + field->at + field->width <= unit->size ? input->data + unit->at + base + field->at
                                                         : NULL;
}

static uint64_t broken(struct random *random, uint64_t number, size_t width)
{
    switch (random_below(random, 8)) {
    case 0:
        return number + 1;
    case 1:
        return number - 1;
    case 2:
        return 0;
    case 3:
        return UINT64_MAX; /* the field's maximum */
    case 4:
        return number ^ (UINT64_C(1) << random_below(random, (uint32_t)width * 8));
    case 5:
        return number + random_below(random, 32) - 16;
    default:
        return random_edge(random);
    }
}

/* ------------------------------------------------------------------------------------ operations
 */

static void break_field(struct input *input)
{
    const struct unit *unit = any_unit(input);
    size_t width;
    bool little;
    uint8_t *field = unit == NULL ? NULL : any_field(input, unit, &width, &little);
    if (field != NULL) {
        uint64_t number = get_number(field, width, little);
        set_number(field, width, little, broken(input->random, number, width));
    }
}

/* Two fields of a unit become so large that their sum wraps in 8, 16 or 32 bits. */
static void wrap_sum(struct input *input)
{
    const struct unit *unit = any_unit(input);
    size_t base;
    bool little;
    const struct field *fields = unit == NULL ? NULL : fields_of(input, unit, &base, &little);
    if (fields == NULL) {
        return;
    }
    const struct field *one = choose_field(input->random, fields);
    const struct field *two = choose_field(input->random, fields);
    const struct field *narrow = one->width < two->width ? one : two;
    const struct field *wide = narrow == one ? two : one;
    if (base + narrow->at + narrow->width > unit->size ||
        base + wide->at + wide->width > unit->size) {
        return;
    }
    uint8_t *data = input->data + unit->at + base;
    uint32_t bits = UINT32_C(8) << random_below(input->random, 3);
    uint64_t number = get_number(data + narrow->at, narrow->width, little);
    if (number == 0 || random_below(input->random, 2) == 0) {
        number = 1 + random_below(input->random, narrow->width == 1 ? 255 : 65535);
        set_number(data + narrow->at, narrow->width, little, number);
    }
    number = (UINT64_C(1) << bits) - number + random_below(input->random, 32);
    set_number(data + wide->at, wide->width, little, number);
}

/* The same part of two units becomes the same: a key, a sequence number, an opaque. */
static void copy_bytes(struct input *input)
{
    const struct unit *from = any_unit(input);
    const struct unit *to = any_unit(input);
    if (from != NULL) {
        size_t least = from->size < to->size ? from->size : to->size;
        size_t at = random_below(input->random, (uint32_t)least);
        size_t size = 1 + random_below(input->random, 16);
        size = size < least - at ? size : least - at;
        memmove(input->data + to->at + at, input->data + from->at + at, size);
    }
}

static void change_byte(struct input *input)
{
    const struct unit *unit = any_unit(input);
    if (unit != NULL) {
        size_t at = unit->at + random_below(input->random, (uint32_t)unit->size);
        input->data[at] = (uint8_t)random_below(input->random, 256);
    }
}

static void change_preamble(struct input *input)
{
    size_t size = input->form->preamble < input->size ? input->form->preamble : input->size;
    if (size > 0) {
        size_t at = random_below(input->random, (uint32_t)size);
        input->data[at] = random_below(input->random, 2) == 0
                              ? (uint8_t)random_below(input->random, 256)
                              : (uint8_t)(input->data[at] + random_below(input->random, 3) - 1);
    } else {
        change_byte(input);
    }
}

static void insert_fresh(struct input *input)
{
    uint8_t fresh[FRESH_MAX];
    const struct form *form = input->form;
    if (form->fresh == NULL) {
        return;
    }
    size_t size = form->fresh(input->random, fresh, sizeof(fresh));
    const struct unit *unit = any_unit(input);
    size_t at = unit == NULL || random_below(input->random, 3) == 0 ? input->size : unit->at;
    if (input->size < form->preamble) { /* there is no place for units yet */
        size_t lacks = form->preamble - input->size;
        if (lacks > input->max - input->size) {
            return;
        }
        memset(input->data + input->size, 0, lacks);
        at = input->size += lacks;
    }
    if (size > 0 && make_room(input, at, size)) {
        memcpy(input->data + at, fresh, size);
    }
}

static void repeat_unit(struct input *input)
{
    const struct unit *unit = any_unit(input);
    if (unit != NULL && make_room(input, unit->at + unit->size, unit->size)) {
        memcpy(input->data + unit->at + unit->size, input->data + unit->at, unit->size);
    }
}

static void drop_unit(struct input *input)
{
    const struct unit *unit = any_unit(input);
    if (unit != NULL) {
        cut_out(input, unit->at, unit->size);
    }
}

/* Moves a unit to the end: the rest closes up. */
static void move_unit(struct input *input)
{
    const struct unit *unit = any_unit(input);
    uint8_t kept[FRESH_MAX];
    if (unit != NULL && unit->size <= sizeof(kept)) {
        memcpy(kept, input->data + unit->at, unit->size);
        cut_out(input, unit->at, unit->size);
        memcpy(input->data + input->size, kept, unit->size);
        input->size += unit->size;
    }
}

/* Makes a part of a unit longer or shorter, and keeps the unit valid. */
static void stretch_unit(struct input *input)
{
    const struct unit *unit = any_unit(input);
    if (unit == NULL || input->form->stretch == NULL) {
        break_field(input);
        return;
    }
    uint32_t by = random_below(input->random, 3) == 0 ? random_edge(input->random) % 2048
                                                      : 1 + random_below(input->random, 16);
    bool more = random_below(input->random, 2) == 0;
    size_t at;
    if ((more && by > input->max - input->size) ||
        !input->form->stretch(input->random, input->data + unit->at, unit->size,
                              more ? (int32_t)by : -(int32_t)by, &at)) {
        return;
    }
    at += unit->at;
    if (more) {
        make_room(input, at, by);
        memset(input->data + at, 'a' + (int)random_below(input->random, 10), by);
    } else {
        cut_out(input, at, by);
    }
}

static void truncate_input(struct input *input)
{
    const struct unit *unit = any_unit(input);
    if (unit != NULL) {
        input->size = unit->at + random_below(input->random, (uint32_t)unit->size + 1);
    }
}

typedef void (*operation)(struct input *input);

/* As often as they are named. */
static const operation operations[] = {
    break_field,     break_field,     break_field,    break_field,  wrap_sum,     stretch_unit,
    stretch_unit,    stretch_unit,    insert_fresh,   insert_fresh, insert_fresh, repeat_unit,
    drop_unit,       move_unit,       copy_bytes,     copy_bytes,   change_byte,  change_byte,
    change_preamble, change_preamble, truncate_input,
};

static const struct form *variant_of(const struct form *form, const uint8_t *data, size_t size)
{
    return form->variant == NULL ? form : form->variant(data, size);
}

size_t mutate(const struct form *form, uint8_t *data, size_t size, size_t max, uint32_t seed)
{
    struct random random = {.state = seed};
    if (form->begin != NULL && random_below(&random, 8) != 0) {
        size = form->begin(&random, data, size, max);
    }
    form = variant_of(form, data, size);
    struct input input = {.form = form, .data = data, .size = size, .max = max, .random = &random};
    uint32_t count = 1 + random_below(&random, OPERATIONS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        take_apart(&input);
        operations[random_below(&random, sizeof(operations) / sizeof(operations[0]))](&input);
    }
    if (form->repair != NULL && random_below(&random, 4) != 0) {
        form->repair(data, input.size);
    }
    return input.size;
}

size_t mutate_splice(const struct form *form, const uint8_t *a, size_t a_size, const uint8_t *b,
                     size_t b_size, uint8_t *out, size_t max, uint32_t seed)
{
    struct random random = {.state = seed};
    /* take_apart only reads */
    struct input first = {.data = (uint8_t *)a, .size = a_size, .random = &random};
    struct input second = {.data = (uint8_t *)b, .size = b_size, .random = &random};
    first.form = variant_of(form, a, a_size);
    second.form = variant_of(form, b, b_size);
    take_apart(&first);
    take_apart(&second);
    const struct unit *end = any_unit(&first);
    const struct unit *begin = any_unit(&second);
    size_t head = end == NULL ? a_size : end->at;
    head = head < max ? head : max;
    memcpy(out, a, head);
    size_t tail = begin == NULL ? 0 : b_size - begin->at;
    tail = tail < max - head ? tail : max - head;
    if (tail > 0) {
        memcpy(out + head, b + begin->at, tail);
    }
    return head + tail;
}
