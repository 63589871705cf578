/*
 * Every capture of the corpus comes to what its expected.tsv says. Those tables were written by
 * programs that share no code with this one.
 */
#include "frame_info_masks.h"
#include "replay/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMNS_MAX = 16, LINE_MAX_SIZE = 1024 };

struct table {
    FILE *file;
    char head[LINE_MAX_SIZE];
    char line[LINE_MAX_SIZE];
    char *names[COLUMNS_MAX];
    char *cells[COLUMNS_MAX];
    size_t columns;
};

static size_t split(char *line, char **cells)
{
    size_t count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *cell = line; cell != NULL && count < COLUMNS_MAX; count++) {
        cells[count] = strsep(&cell, "\t");
    }
    return count;
}

static void open_table(struct table *table, const char *folder)
{
    char path[256];
    snprintf(path, sizeof(path), CORPUS "/%s/expected.tsv", folder);
    table->file = fopen(path, "r");
    assert_non_null(table->file);
    assert_non_null(fgets(table->head, sizeof(table->head), table->file));
    table->columns = split(table->head, table->names);
    assert_string_equal(table->names[0], "file");
}

static bool next_row(struct table *table)
{
    if (fgets(table->line, sizeof(table->line), table->file) == NULL) {
        return false;
    }
    assert_int_equal(split(table->line, table->cells), table->columns);
    return true;
}

/* The row's cell under that name, "-" (nothing is said) if there is no such column. */
static const char *cell(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->columns; i++) {
        if (strcmp(table->names[i], name) == 0) {
            return table->cells[i];
        }
    }
    return "-";
}

static bool number_fits(const char *wanted, uint64_t number)
{
    if (strcmp(wanted, "-") == 0) {
        return true;
    }
    return strcmp(wanted, ">0") == 0 ? number > 0 : strtoull(wanted, NULL, 10) == number;
}

static bool field_fits(const char *wanted, const struct difference *difference)
{
    const char *kind = difference_kind_text(difference->kind);
    char *copy = strdup(wanted);
    char *rest = copy;
    bool fits = false;
    for (char *one; (one = strsep(&rest, "|")) != NULL;) {
        fits |= strcmp(one, difference->field) == 0 ||
                (strcmp(one, "missing") == 0 && strcmp(kind, "missing") == 0) ||
                (strcmp(one, "extra") == 0 && strcmp(kind, "unexpected") == 0);
    }
    free(copy);
    return fits;
}

static struct verify_options options_for(const char *file, bool any_loss)
{
    struct verify_options options;
    verify_options_init(&options);
    options.accept_unexecuted = true; /* some are only framed and built anew */
    if (any_loss) {
        options.max_loss = UINT64_MAX;
    }
    if (strcmp(file, "frame-info-response.pcap") == 0 || strcmp(file, "long-frames.pcap") == 0) {
        options.masks = frame_info_masks();
    }
    return options;
}

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s: ", path);                                                                  \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static unsigned check_numbers(const struct table *row, const char *path,
                              const struct capture_result *found)
{
    unsigned failures = 0;
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {
        {"packets", found->packets},
        {"connections", found->connections},
        {"requests", found->client_frames},
        {"responses", found->server_frames},
        {"client_frames", found->ledger.client_frames},
        {"server_frames", found->ledger.server_frames},
        {"duplicate", found->ledger.duplicate},
        {"unparsed", found->ledger.unparsed},
        {"not_mcbp", found->ledger.not_mcbp},
        {"total", found->ledger.total},
        {"lost_bytes", found->ledger.lost},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const char *wanted = cell(row, numbers[i].name);
        CHECK(number_fits(wanted, numbers[i].number), "%s is %llu, not %s", numbers[i].name,
              (unsigned long long)numbers[i].number, wanted);
    }
    CHECK(ledger_adds_up(&found->ledger), "the ledger does not add up");
    return failures;
}

static unsigned check_row(const struct table *row, const char *folder, bool any_loss)
{
    unsigned failures = 0;
    char path[256];
    const char *file = cell(row, "file");
    const char *exit = cell(row, any_loss ? "exit_any_loss" : "exit");
    const char *field = cell(row, "field");
    struct verify_options options = options_for(file, any_loss);
    struct verify_result result;
    snprintf(path, sizeof(path), CORPUS "/%s/%s", folder, file);
    assert_true(verify_result_init(&result, 1, 16, options.masks.count));
    verify_capture(path, &options, &result);
    verify_result_total(&result);

    int wanted = strcmp(exit, "-") == 0 ? 0 : atoi(exit);
    if (strcmp(exit, "-") != 0 || strcmp(cell(row, "lost_bytes"), "0") == 0) {
        CHECK((int)result.status == wanted, "status %d, not %d (%s)", result.status, wanted,
              result.captures[0].problem != NULL ? result.captures[0].problem : "");
    }
    if (wanted != VERIFY_UNREADABLE) {
        failures += check_numbers(row, path, &result.captures[0]);
    }
    if (strcmp(field, "-") != 0) {
        CHECK(result.differences_count == 1, "%zu differences, not 1", result.differences_count);
        CHECK(result.differences_count > 0 && field_fits(field, &result.differences[0]),
              "the first difference is %s %s, not %s",
              difference_kind_text(result.differences[0].kind), result.differences[0].field, field);
    } else if (wanted == VERIFY_IDENTICAL) {
        CHECK(result.differences_count == 0, "%s in packet %llu",
              difference_kind_text(result.differences[0].kind),
              (unsigned long long)result.differences[0].packet);
    }
    verify_result_deinit(&result);
    return failures;
}

static void check_folder(const char *folder, bool any_loss)
{
    unsigned failures = 0;
    unsigned rows = 0;
    struct table table;
    open_table(&table, folder);
    for (; next_row(&table); rows++) {
        failures += check_row(&table, folder, any_loss);
    }
    fclose(table.file);
    assert_true(rows > 0);
    assert_int_equal(failures, 0);
}

static void recorded_captures_are_identical(void **state)
{
    (void)state;
    check_folder("captures", false);
}

static void made_captures_are_identical(void **state)
{
    (void)state;
    check_folder("made", false);
}

static void damaged_captures_are_reported(void **state)
{
    (void)state;
    check_folder("damaged", false);
}

static void damaged_captures_are_reported_when_loss_is_accepted(void **state)
{
    (void)state;
    check_folder("damaged", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_captures_are_identical),
        cmocka_unit_test(made_captures_are_identical),
        cmocka_unit_test(damaged_captures_are_reported),
        cmocka_unit_test(damaged_captures_are_reported_when_loss_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
