#include "sample.h"

#include "baseline/all_writers.h"
#include "mcbp/opcode.h"
#include "mcbp/status.h"

#include <assert.h>
#include <stdlib.h>

static const int64_t noon = 1700000000123456789;

static void add_identical(struct verify_result *result)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    *capture = (struct capture_result){
        .path = "captures/good.pcap",
        .packets = 12,
        .connections = 1,
        .client_frames = 3,
        .server_frames = 3,
        .rebuilt = {.compared = 3, .identical = 3},
        .executed = {.check = {.compared = 2, .identical = 2}, .adopted = 1},
        .ledger = {.client_frames = 100, .server_frames = 1200, .total = 1300},
        .cas_adopted = 1,
    };
    struct opcode_counts *get = opcode_table_at(&capture->opcodes, false, MCBP_GET);
    get->requests = get->responses = 2;
    opcode_counts_add_status(get, MCBP_STATUS_SUCCESS, 1);
    opcode_counts_add_status(get, MCBP_STATUS_KEY_NOT_FOUND, 1);
    struct opcode_counts *set = opcode_table_at(&capture->opcodes, false, MCBP_SET);
    set->requests = set->responses = 1;
    opcode_counts_add_status(set, MCBP_STATUS_SUCCESS, 1);
}

static void add_different(struct verify_result *result)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    *capture = (struct capture_result){
        .path = "captures/a long folder/\x1b[31m\xff \xe2\x82\xac.pcap",
        .status = VERIFY_DIFFERENT,
        .packets = 1234567,
        .connections = 2,
        .client_frames = 1000,
        .server_frames = 1001,
        .unanswered = 3,
        .midstream = 1,
        .skipped = 77,
        .rebuilt = {.compared = 1001, .identical = 999, .different = 2},
        .executed = {.check = {.compared = 998, .identical = 996, .different = 2},
                     .not_executed = 2,
                     .ambiguous = 1,
                     .missing = 1,
                     .malformed = 1},
        .ledger = {.client_frames = 50000,
                   .server_frames = 60000,
                   .duplicate = 7,
                   .unparsed = 80,
                   .not_mcbp = 9,
                   .memcached_text = 4,
                   .tls = 5,
                   .total = 110096,
                   .lost = 0},
    };
    struct opcode_counts *hello = opcode_table_at(&capture->opcodes, false, MCBP_HELLO);
    hello->requests = hello->responses = hello->not_executed = 1;
    opcode_counts_add_status(hello, 0x4242, 1);
    struct opcode_counts *notified = opcode_table_at(&capture->opcodes, true, 1);
    notified->requests = notified->not_executed = 1;
}

static void add_unreadable(struct verify_result *result)
{
    struct capture_result *capture = &result->captures[result->captures_count++];
    *capture = (struct capture_result){
        .path = "captures/bad.pcap",
        .status = VERIFY_UNREADABLE,
        .problem = strdup("captures/bad.pcap: byte 0: \x01 is <no> capture"),
    };
}

static struct difference *add_difference(struct verify_result *result, enum difference_kind kind)
{
    struct difference *difference = &result->differences[result->differences_count++];
    *difference = (struct difference){
        .check = CHECK_EXECUTED,
        .kind = kind,
        .capture = result->captures[1].path,
        .packet = 17,
        .time = noon,
        .connection = 2,
        .client = {.family = 4, .address = {192, 0, 2, 1}, .port = 40001},
        .server = {.family = 6, .address = {[15] = 1}, .port = 11211},
        .magic = MCBP_CLIENT_RESPONSE,
        .opcode = MCBP_GET,
        .status = MCBP_STATUS_SUCCESS,
        .opaque = 0xdeadbeef,
    };
    return difference;
}

static void set_request(struct difference *difference, unsigned first_byte, size_t size)
{
    difference->request_packet = 16;
    difference->request_magic = MCBP_CLIENT_REQUEST;
    difference->request_opcode = MCBP_GETQ;
    difference->request_opaque = 0x10;
    difference->key_size = size;
    for (size_t i = 0; i < size; i++) {
        difference->key[i] = (uint8_t)(first_byte + i);
    }
}

static void set_excerpt(struct excerpt *excerpt, size_t offset, size_t frame_size, const char *text)
{
    *excerpt = (struct excerpt){.offset = offset, .size = strlen(text), .frame_size = frame_size};
    memcpy(excerpt->bytes, text, excerpt->size);
}

static void add_differences(struct verify_result *result)
{
    struct difference *field = add_difference(result, DIFFERENCE_FIELD);
    set_request(field, 0x00, 128);
    strcpy(field->field, "value+6");
    field->field_offset = 34;
    set_excerpt(&field->reference, 32, 50, "two of a kind, four");
    set_excerpt(&field->built, 32, 49, "two or a kind, for");

    struct difference *missing = add_difference(result, DIFFERENCE_MISSING);
    set_request(missing, 0x80, 128);
    missing->magic = MCBP_CLIENT_REQUEST;
    missing->opcode = MCBP_GETQ;
    strcpy(missing->detail, "it was never answered");

    struct difference *unexpected = add_difference(result, DIFFERENCE_UNEXPECTED);
    strcpy(unexpected->detail, "no request is waiting for this answer");

    struct difference *malformed = add_difference(result, DIFFERENCE_MALFORMED);
    strcpy(malformed->field, "header.magic");
    set_excerpt(&malformed->reference, 0, 24, "this is text");

    struct difference *refused = add_difference(result, DIFFERENCE_REFUSED);
    refused->check = CHECK_REBUILT;
    refused->magic = MCBP_CLIENT_REQUEST;
    refused->opcode = MCBP_DCP_MUTATION;
    refused->status = 512;
    strcpy(refused->detail, "the writer refused the response: key over 65535 bytes");
}

static void init(struct sample *sample, size_t masks)
{
    verify_options_init(&sample->options);
    sample->options.construct.writer = all_writers_find("reserve");
    sample->masks[0] = (struct mask){.any_opcode = true, .field = MASK_CAS};
    sample->masks[1] = (struct mask){.opcode = MCBP_STAT, .field = MASK_VALUE};
    sample->options.masks = (struct mask_list){.masks = sample->masks, .count = masks};
    bool ok = verify_result_init(&sample->result, 3, SAMPLE_DIFFERENCES, masks);
    assert(ok);
    (void)ok;
    sample->report = (struct report){.options = &sample->options, .result = &sample->result};
}

void sample_init(struct sample *sample)
{
    init(sample, SAMPLE_MASKS);
    sample->result.mask_hits[1] = 12;
    add_identical(&sample->result);
    add_different(&sample->result);
    add_unreadable(&sample->result);
    add_differences(&sample->result);
    verify_result_total(&sample->result);
}

void sample_init_identical(struct sample *sample)
{
    init(sample, 0);
    add_identical(&sample->result);
    verify_result_total(&sample->result);
}

void sample_deinit(struct sample *sample)
{
    verify_result_deinit(&sample->result);
}

char *sample_text(const struct sample *sample, const struct report_style *style)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    report_text(out, &sample->report, style);
    fclose(out);
    return text;
}

static char *written(const struct sample *sample, bool (*write)(FILE *, const struct report *))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool ok = write(out, &sample->report);
    fclose(out);
    assert(ok);
    (void)ok;
    return text;
}

char *sample_json(const struct sample *sample)
{
    return written(sample, report_json);
}

char *sample_junit(const struct sample *sample)
{
    return written(sample, report_junit);
}
