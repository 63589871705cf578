#include "scene.h"

#include "base/endian.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BEGINNING = 1600000000, /* Unix seconds */
    NANOSECONDS = 1000000000,
    TICK = 1000000,
    SERVER_PORT = 11211,
    CLIENT_PORT = 40000,
    DIFFERENCES_MAX = 16,
    UDP_FRAMING = 8,
};

static const uint32_t FIRST_SEQUENCE = 1000;

/* ------------------------------------------------------------------------------ set-up */

static void begin(struct scene *scene)
{
    *scene = (struct scene){.time = (int64_t)BEGINNING * NANOSECONDS};
    trace_init(&scene->trace);
    verify_options_init(&scene->options);
    scene->options.require_compared = 0;
    scene->options.accept_unexecuted = true;
    for (size_t i = 0; i < PEOPLE; i++) {
        scene->lines[i].sequences[0] = scene->lines[i].sequences[1] = FIRST_SEQUENCE;
    }
}

static void end(struct scene *scene)
{
    trace_deinit(&scene->trace);
    verify_result_deinit(&scene->result);
}

int scene_setup(void **state)
{
    struct scene *scene = malloc(sizeof(*scene));
    assert_non_null(scene);
    begin(scene);
    *state = scene;
    return 0;
}

int scene_teardown(void **state)
{
    end(*state);
    free(*state);
    return 0;
}

void scene_restart(struct scene *scene)
{
    end(scene);
    begin(scene);
}

/* ------------------------------------------------------------------------------ the wire */

static struct net_endpoint endpoint(const struct line *line, uint8_t host, uint16_t port)
{
    return (struct net_endpoint){
        .family = line->ipv6 ? 6 : 4, .address = {10, 0, 0, host}, .port = port};
}

static void add(struct scene *scene, enum person person, bool client, uint8_t flags,
                struct span payload)
{
    struct line *line = &scene->lines[person];
    struct net_endpoint ours = endpoint(line, 2, (uint16_t)(CLIENT_PORT + person));
    struct net_endpoint theirs =
        endpoint(line, 1, line->server_port != 0 ? line->server_port : SERVER_PORT);
    struct net_segment segment = {
        .protocol = line->udp ? NET_UDP : NET_TCP,
        .source = client ? ours : theirs,
        .destination = client ? theirs : ours,
        .payload = payload,
        .sequence = line->sequences[client ? 0 : 1],
        .acknowledgement = line->sequences[client ? 1 : 0],
        .flags = flags,
    };
    trace_add(&scene->trace, &segment, scene->time);
    scene->time += TICK;
    scene->verified = false;
    line->sequences[client ? 0 : 1] += (uint32_t)payload.size + ((flags & (NET_SYN | NET_FIN)) > 0);
}

static void open_line(struct scene *scene, enum person person)
{
    struct span nothing = span_of(NULL, 0);
    struct line *line = &scene->lines[person];
    if (!line->open && !line->udp) {
        add(scene, person, true, NET_SYN, nothing);
        add(scene, person, false, NET_SYN | NET_ACK, nothing);
        add(scene, person, true, NET_ACK, nothing);
    }
    line->open = true;
}

void scene_join(struct scene *scene, enum person person)
{
    scene->lines[person].open = true;
}

void scene_use_server(struct scene *scene, enum person person, uint16_t port)
{
    scene->lines[person].server_port = port;
}

void scene_use_udp(struct scene *scene, enum person person)
{
    scene->lines[person].udp = true;
}

void scene_use_ipv6(struct scene *scene, enum person person)
{
    scene->lines[person].ipv6 = true;
}

void scene_say_bytes(struct scene *scene, enum person person, bool client, struct span bytes)
{
    open_line(scene, person);
    add(scene, person, client, NET_ACK, bytes);
}

void scene_lose(struct scene *scene, enum person person, bool client, uint32_t size)
{
    open_line(scene, person);
    scene->lines[person].sequences[client ? 0 : 1] += size;
}

void scene_close(struct scene *scene, enum person person, bool client)
{
    open_line(scene, person);
    add(scene, person, client, NET_FIN | NET_ACK, span_of(NULL, 0));
}

void scene_reset(struct scene *scene, enum person person, bool client)
{
    open_line(scene, person);
    add(scene, person, client, NET_RST | NET_ACK, span_of(NULL, 0));
}

void scene_wait(struct scene *scene, int seconds)
{
    scene->time += (int64_t)seconds * NANOSECONDS;
}

/* ------------------------------------------------------------------------------ frames */

static size_t write_request_extras(const struct said *said, uint8_t *extras)
{
    switch (mcbp_opcode_loud(said->opcode)) {
    case MCBP_SET:
    case MCBP_ADD:
    case MCBP_REPLACE:
        write_be32(extras, said->flags);
        write_be32(extras + 4, said->expires);
        return 8;
    case MCBP_INCREMENT:
    case MCBP_DECREMENT:
        write_be64(extras, said->delta);
        write_be64(extras + 8, said->initial);
        write_be32(extras + 16, said->expires);
        return 20;
    case MCBP_TOUCH:
    case MCBP_GAT:
    case MCBP_GATK:
        write_be32(extras, said->expires);
        return 4;
    case MCBP_FLUSH:
        write_be32(extras, said->expires);
        return said->expires != 0 ? 4 : 0;
    default:
        return 0;
    }
}

static size_t write_answer_extras(const struct said *said, uint8_t *extras)
{
    uint8_t loud = mcbp_opcode_loud(said->opcode);
    if (said->status != MCBP_STATUS_SUCCESS ||
        !(loud == MCBP_GET || loud == MCBP_GETK || loud == MCBP_TOUCH || loud == MCBP_GAT ||
          loud == MCBP_GATK)) {
        return 0;
    }
    write_be32(extras, said->flags);
    return 4;
}

/* What the value is if nothing is said of it. */
static struct span value_of(const struct said *said, bool request, uint8_t number[8])
{
    uint8_t loud = mcbp_opcode_loud(said->opcode);
    const char *text = said->value;
    if (!request && text == NULL && said->status != MCBP_STATUS_SUCCESS && said->key == NULL) {
        text = mcbp_status_error_body(said->status);
    }
    if (!request && text == NULL && said->status == MCBP_STATUS_SUCCESS &&
        (loud == MCBP_INCREMENT || loud == MCBP_DECREMENT)) {
        write_be64(number, said->number);
        return span_of(number, 8);
    }
    return span_of(text, text != NULL ? strlen(text) : 0);
}

size_t scene_write(const struct said *said, bool request, uint8_t bytes[SAID_ROOM])
{
    uint8_t number[8];
    struct span value = value_of(said, request, number);
    size_t key_size = said->key != NULL ? strlen(said->key) : 0;
    uint8_t *at = bytes + MCBP_HEADER_SIZE;
    size_t extras_size = request ? write_request_extras(said, at) : write_answer_extras(said, at);
    assert_true(MCBP_HEADER_SIZE + extras_size + key_size + value.size <= SAID_ROOM);
    memset(bytes, 0, MCBP_HEADER_SIZE);
    bytes[0] = request ? MCBP_CLIENT_REQUEST : MCBP_CLIENT_RESPONSE;
    bytes[0] = said->magic != 0 ? said->magic : bytes[0];
    bytes[1] = said->opcode;
    write_be16(bytes + 2, (uint16_t)key_size);
    bytes[4] = (uint8_t)extras_size;
    bytes[5] = said->datatype;
    write_be16(bytes + 6, said->status);
    write_be32(bytes + 8, (uint32_t)(extras_size + key_size + value.size));
    write_be32(bytes + 12, said->opaque);
    write_be64(bytes + 16, said->cas);
    at += extras_size;
    if (key_size > 0) {
        memcpy(at, said->key, key_size);
    }
    if (value.size > 0) {
        memcpy(at + key_size, value.data, value.size);
    }
    return (size_t)(at - bytes) + key_size + value.size;
}

void scene_say(struct scene *scene, enum person person, bool client, const struct said *said)
{
    uint8_t bytes[UDP_FRAMING + SAID_ROOM] = {0};
    size_t size = scene_write(said, client, bytes + UDP_FRAMING);
    if (scene->lines[person].udp) {
        write_be16(bytes, (uint16_t)said->opaque);
        write_be16(bytes + 4, 1);
        scene_say_bytes(scene, person, client, span_of(bytes, UDP_FRAMING + size));
    } else {
        scene_say_bytes(scene, person, client, span_of(bytes + UDP_FRAMING, size));
    }
}

/* ------------------------------------------------------------------------------ the verdict */

const struct capture_result *scene_verify(struct scene *scene)
{
    if (!scene->verified) {
        const char *path = trace_save(&scene->trace);
        verify_result_deinit(&scene->result);
        assert_true(
            verify_result_init(&scene->result, 1, DIFFERENCES_MAX, scene->options.masks.count));
        verify_capture(path, &scene->options, &scene->result);
        verify_result_total(&scene->result);
        scene->verified = true;
    }
    return &scene->result.captures[0];
}

static bool is_number(const char *name, uint64_t found, uint64_t wanted)
{
    if (found != wanted) {
        print_error("%s is %llu, not %llu\n", name, (unsigned long long)found,
                    (unsigned long long)wanted);
    }
    return found == wanted;
}

static void print_differences(const struct scene *scene)
{
    for (size_t i = 0; i < scene->result.differences_count; i++) {
        const struct difference *difference = &scene->result.differences[i];
        char text[MCBP_OPCODE_TEXT_SIZE];
        print_error("difference: %s %s%s%s in packet %llu: %s\n",
                    mcbp_opcode_text(difference->magic, difference->opcode, text),
                    difference_kind_text(difference->kind), difference->field[0] ? " " : "",
                    difference->field, (unsigned long long)difference->packet, difference->detail);
    }
}

void scene_expect(struct scene *scene, const struct verdict *verdict, const char *file, int line)
{
    const struct capture_result *found = scene_verify(scene);
    const struct executed_counts *executed = &found->executed;
    bool bad = verdict->different + verdict->missing + verdict->malformed > 0;
    bool right = is_number("identical", executed->check.identical, verdict->identical);
    right &= is_number("different", executed->check.different, verdict->different);
    right &= is_number("adopted", executed->adopted, verdict->adopted);
    right &= is_number("not executed", executed->not_executed, verdict->not_executed);
    right &= is_number("ambiguous", executed->ambiguous, verdict->ambiguous);
    right &= is_number("missing", executed->missing, verdict->missing);
    right &= is_number("malformed", executed->malformed, verdict->malformed);
    right &= is_number("rebuilt and different", found->rebuilt.different, 0);
    right &= is_number("ledger", ledger_adds_up(&found->ledger), true);
    right &= is_number("status", found->ledger.lost > 0 ? bad : (unsigned)found->status, bad);
    if (!right) {
        print_differences(scene);
        _fail(file, line);
    }
}

void scene_expect_difference(struct scene *scene, enum difference_kind kind, const char *field,
                             const char *file, int line)
{
    scene_verify(scene);
    const struct difference *first = &scene->result.differences[0];
    if (scene->result.differences_count != 1 || first->kind != kind ||
        (field != NULL && strcmp(first->field, field) != 0)) {
        print_error("not one difference, %s %s, but %zu\n", difference_kind_text(kind),
                    field != NULL ? field : "", scene->result.differences_count);
        print_differences(scene);
        _fail(file, line);
    }
}
