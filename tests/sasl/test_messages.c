/* The parts: names of mechanisms, base64, attributes, and what RFC 5802 and RFC 7677 compute. */
#include "guarded.h"
#include "sasl/attributes.h"
#include "sasl/base64.h"
#include "sides.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What RAND_bytes gives, if anything. */
static const char *chance;

int __real_RAND_bytes(unsigned char *bytes, int size);
int __wrap_RAND_bytes(unsigned char *bytes, int size);

int __wrap_RAND_bytes(unsigned char *bytes, int size)
{
    size_t given;
    return chance == NULL ? __real_RAND_bytes(bytes, size)
                          : base64_decode(text(chance), bytes, (size_t)size, &given);
}

/* ----------------------------------------------------------------------------------- the names */

static void mechanisms_have_couchbases_names(void **state)
{
    (void)state;
    enum sasl_mechanism mechanism;
    assert_true(sasl_mechanism_find(text("SCRAM-SHA512"), &mechanism));
    assert_int_equal(mechanism, SASL_SCRAM_SHA512);
    assert_true(sasl_mechanism_find(text("PLAIN"), &mechanism));
    assert_int_equal(mechanism, SASL_PLAIN);
    assert_false(sasl_mechanism_find(text("SCRAM-SHA-512"), &mechanism));
    assert_false(sasl_mechanism_find(text("plain"), &mechanism));
    assert_false(sasl_mechanism_find(text(""), &mechanism));
    assert_false(sasl_mechanism_find(span_of("PLAIN\0", 6), &mechanism));
}

static void assert_chosen(const char *list, bool plain, enum sasl_mechanism wanted)
{
    enum sasl_mechanism mechanism;
    assert_int_equal(sasl_mechanism_choose(text(list), plain, &mechanism),
                     wanted != SASL_MECHANISM_COUNT);
    assert_int_equal(mechanism, wanted);
}

static void the_best_mechanism_of_a_list_is_chosen(void **state)
{
    (void)state;
    assert_chosen(SASL_MECHANISM_LIST, false, SASL_SCRAM_SHA512);
    assert_chosen("PLAIN SCRAM-SHA1 SCRAM-SHA256", true, SASL_SCRAM_SHA256);
    assert_chosen("OAUTHBEARER  PLAIN ", true, SASL_PLAIN);
}

static void plain_is_chosen_only_if_that_is_allowed(void **state)
{
    (void)state;
    assert_chosen("PLAIN", false, SASL_MECHANISM_COUNT);
    assert_chosen("CRAM-MD5", true, SASL_MECHANISM_COUNT);
    assert_chosen("", true, SASL_MECHANISM_COUNT);
}

/* ---------------------------------------------------------------------------------- base64 */

static void assert_decodes(const char *base64, const char *bytes)
{
    uint8_t out[8];
    size_t size;
    struct buffer again = {0};
    assert_true(base64_decode(text(base64), out, sizeof(out), &size));
    assert_true(span_equal(span_of(out, size), text(bytes)));
    assert_true(base64_append(&again, text(bytes)));
    assert_true(span_equal(buffer_span(&again), text(base64)));
    buffer_deinit(&again);
}

static void base64_is_rfc_4648s(void **state)
{
    (void)state;
    assert_decodes("", "");
    assert_decodes("Zg==", "f");
    assert_decodes("Zm8=", "fo");
    assert_decodes("Zm9v", "foo");
    assert_decodes("Zm9vYg==", "foob");
    assert_decodes("Zm9vYmE=", "fooba");
    assert_decodes("Zm9vYmFy", "foobar");
    assert_decodes("+/+/", "\xfb\xff\xbf");
}

static bool decodes(struct span base64, size_t room)
{
    uint8_t out[8];
    size_t size;
    return base64_decode(base64, out, room, &size);
}

static void other_text_is_no_base64(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "Z",     "Zg",   "Zg=",     "Zg=a",     "====", "Z===", "Zg==\n",    "Zm9\n",
        "Zm 9v", "Zh==", "Zm9vZg=", "Zg==Zg==", "-_-_", "Zm9=", "\xc3\xa4Zm"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(decodes(text(wrong[i]), 8));
    }
    assert_false(decodes(span_of("Zg\0=", 4), 8));
    assert_false(decodes(text("Zm9vYmFy"), 5));
    assert_true(decodes(text("Zm9vYmFy"), 6));
    assert_true(decodes(text("Zm9vYmE="), 5));
}

/* ---------------------------------------------------------------------------- attributes */

static void attributes_are_letters_with_values(void **state)
{
    (void)state;
    struct span value;
    struct span list = text("n=user,r=a=b");
    assert_true(scram_attributes_are_valid(list, "nr"));
    assert_true(scram_attribute(list, 'r', &value));
    assert_true(span_equal(value, text("a=b")));
    assert_false(scram_attribute(list, 'a', &value));
    assert_true(scram_attributes_are_valid(text("c=a,r=b,Z=c,p=d"), NULL));
}

static void attributes_that_are_malformed_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",     ",",        "n",           "n=",      "n=,r=a", "=a",    "nn=a", "n=a,",
        ",n=a", "n=a,,r=b", "n=a,r=b,n=c", "m=a,n=b", "1=a",    "n=a,r", "[=a",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(scram_attributes_are_valid(text(wrong[i]), NULL));
    }
    assert_false(scram_attributes_are_valid(text("n=a,x=b"), "nr"));
    assert_false(scram_attributes_are_valid(span_of("n=a\0b", 5), NULL));
    assert_false(scram_attributes_are_valid(span_of("\0=a", 3), "nr"));
}

static void attributes_are_read_to_their_end_only(void **state)
{
    (void)state;
    static const char list[] = "n=us=2Cer,r=nonce";
    struct guarded guarded;
    struct span value;
    guarded_init(&guarded);
    for (size_t size = 0; size < sizeof(list); size++) {
        struct span cut = guarded_copy(&guarded, list, size);
        if (scram_attributes_are_valid(cut, "nr")) {
            scram_attribute(cut, 'x', &value);
        }
    }
    guarded_deinit(&guarded);
}

static bool iterations(const char *number)
{
    unsigned read;
    return scram_iterations(text(number), 4096, 1000000, &read);
}

static void numbers_of_iterations_have_bounds(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "0",
        "1",
        "4095",
        "04096",
        "+4096",
        "-4096",
        " 4096",
        "4096 ",
        "0x1000",
        "1000001",
        "2147483648",
        "4294971392",
        "18446744073709555712",
        "99999999999999999999999999999999",
    };
    assert_true(iterations("4096"));
    assert_true(iterations("1000000"));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(iterations(wrong[i]));
    }
}

static void nonces_are_printable(void **state)
{
    (void)state;
    assert_true(scram_is_nonce(text("!~%+-=")));
    assert_false(scram_is_nonce(text("")));
    assert_true(scram_is_nonce(text("0xffffff87 0x1d"))); /* an SDK's */
    assert_false(scram_is_nonce(text("a\tb")));
    assert_false(scram_is_nonce(text("a\x7f")));
    assert_false(scram_is_nonce(text("\xc3\xa4")));
}

static void assert_written(const char *name, const char *as)
{
    struct buffer buffer = {0};
    uint8_t read[SASL_NAME_MAX];
    size_t size;
    assert_true(scram_name_append(&buffer, text(name)));
    assert_true(span_equal(buffer_span(&buffer), text(as)));
    assert_true(scram_name_decode(buffer_span(&buffer), read, &size));
    assert_true(span_equal(span_of(read, size), text(name)));
    buffer_deinit(&buffer);
}

static void commas_and_equals_signs_in_names_are_escaped(void **state)
{
    (void)state;
    assert_written("user", "user");
    assert_written("a,b=c", "a=2Cb=3Dc");
    assert_written("=2C", "=3D2C");
}

static void other_escapes_and_long_names_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "=", "a=2", "=2c", "=41", "==", "a=3D="};
    uint8_t name[SASL_NAME_MAX];
    char long_name[SASL_NAME_MAX + 1];
    size_t size;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(scram_name_decode(text(wrong[i]), name, &size));
    }
    memset(long_name, 'a', sizeof(long_name));
    assert_true(scram_name_decode(span_of(long_name, SASL_NAME_MAX), name, &size));
    assert_false(scram_name_decode(span_of(long_name, SASL_NAME_MAX + 1), name, &size));
}

/* --------------------------------------------------------------------------- what is computed */

/* An exchange of the user "user" with the password "pencil". */
struct sample {
    enum sasl_mechanism mechanism;
    const char *nonce, *server_nonce, *salt, *proof, *signature;
};

static const struct sample samples[] = {
    /* RFC 5802, section 5 */
    {SASL_SCRAM_SHA1, "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "QSXCR+Q6sek8bf92",
     "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
    /* RFC 7677, section 3 */
    {SASL_SCRAM_SHA256, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "W22ZaJ0SNY7soEsUEjb6gQ==", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
     "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
    /* The same as computed by Python's hashlib and hmac; no RFC has an example. */
    {SASL_SCRAM_SHA512, "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
     "W22ZaJ0SNY7soEsUEjb6gQ==",
     "gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
     "ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="},
};

enum { SAMPLES = sizeof(samples) / sizeof(*samples), TEXT_SIZE = 512 };

static struct span decoded(const char *base64, uint8_t *out)
{
    size_t size;
    assert_true(base64_decode(text(base64), out, SCRAM_DIGEST_MAX, &size));
    return span_of(out, size);
}

static void derive(const struct sample *sample, struct scram_keys *keys, uint8_t *client_key)
{
    uint8_t salt[SCRAM_DIGEST_MAX];
    assert_true(scram_derive(sample->mechanism, text("pencil"), decoded(sample->salt, salt), 4096,
                             keys, client_key));
}

static struct span auth_message(const struct sample *sample, char out[TEXT_SIZE])
{
    snprintf(out, TEXT_SIZE, "n=user,r=%s,r=%s%s,s=%s,i=4096,c=biws,r=%s%s", sample->nonce,
             sample->nonce, sample->server_nonce, sample->salt, sample->nonce,
             sample->server_nonce);
    return text(out);
}

static void proofs_and_signatures_are_those_of_the_rfcs(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *sample = &samples[i];
        struct scram_keys keys;
        char message[TEXT_SIZE];
        uint8_t key[SCRAM_DIGEST_MAX], made[SCRAM_DIGEST_MAX], wanted[SCRAM_DIGEST_MAX];
        struct span all = auth_message(sample, message);
        derive(sample, &keys, key);
        assert_true(scram_prove(sample->mechanism, key, &keys, all, made));
        struct span proof = decoded(sample->proof, wanted);
        assert_int_equal(proof.size, scram_digest_size(sample->mechanism));
        assert_memory_equal(made, proof.data, proof.size);
        assert_true(scram_sign(sample->mechanism, keys.server, all, made));
        struct span signature = decoded(sample->signature, wanted);
        assert_memory_equal(made, signature.data, signature.size);
    }
}

static void a_proof_holds_for_its_message_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct scram_keys keys;
        char message[TEXT_SIZE];
        uint8_t proof[SCRAM_DIGEST_MAX];
        bool holds;
        struct span all = auth_message(&samples[i], message);
        derive(&samples[i], &keys, NULL);
        struct span bytes = decoded(samples[i].proof, proof);
        assert_true(scram_verify(samples[i].mechanism, &keys, all, proof, &holds));
        assert_true(holds);
        proof[bytes.size - 1] ^= 1;
        assert_true(scram_verify(samples[i].mechanism, &keys, all, proof, &holds));
        assert_false(holds);
        proof[bytes.size - 1] ^= 1;
        message[2]++;
        assert_true(scram_verify(samples[i].mechanism, &keys, all, proof, &holds));
        assert_false(holds);
    }
}

static void a_client_says_what_rfc_5802s_says(void **state)
{
    (void)state;
    struct span message;
    chance = samples[0].nonce;
    struct sasl_client *client = sasl_client_create(SASL_SCRAM_SHA1, text("user"), text("pencil"));
    assert_int_equal(sasl_client_start(client, &message), SASL_CONTINUE);
    assert_true(span_equal(message, text("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")));
    assert_int_equal(sasl_client_step(client,
                                      text("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                                           "s=QSXCR+Q6sek8bf92,i=4096"),
                                      &message),
                     SASL_CONTINUE);
    assert_true(span_equal(message, text("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                                         "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")));
    assert_int_equal(sasl_client_finish(client, text("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")), SASL_OK);
    sasl_client_destroy(client);
    chance = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mechanisms_have_couchbases_names),
        cmocka_unit_test(the_best_mechanism_of_a_list_is_chosen),
        cmocka_unit_test(plain_is_chosen_only_if_that_is_allowed),
        cmocka_unit_test(base64_is_rfc_4648s),
        cmocka_unit_test(other_text_is_no_base64),
        cmocka_unit_test(attributes_are_letters_with_values),
        cmocka_unit_test(attributes_that_are_malformed_are_refused),
        cmocka_unit_test(attributes_are_read_to_their_end_only),
        cmocka_unit_test(numbers_of_iterations_have_bounds),
        cmocka_unit_test(nonces_are_printable),
        cmocka_unit_test(commas_and_equals_signs_in_names_are_escaped),
        cmocka_unit_test(other_escapes_and_long_names_are_refused),
        cmocka_unit_test(proofs_and_signatures_are_those_of_the_rfcs),
        cmocka_unit_test(a_proof_holds_for_its_message_only),
        cmocka_unit_test(a_client_says_what_rfc_5802s_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
