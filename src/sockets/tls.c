#include "sockets/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* Says what is wrong with `path`, as OpenSSL has it. */
static SSL_CTX *tls_fail(SSL_CTX *context, const char *path, char problem[SOCKETS_PROBLEM_SIZE])
{
    unsigned long error = ERR_peek_error();
    const char *reason =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    snprintf(problem, SOCKETS_PROBLEM_SIZE, "%s: %s", path,
             reason == NULL ? "OpenSSL refuses it" : reason);
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}

/*
 * OpenSSL 3.0 loads all algorithms for a purpose when it first needs one of them, and if it has no
 * memory in the middle of that, it never has the others (evp_fetch.c, core_algorithm.c): no
 * handshake succeeds any more. So all that connections need is loaded before there are any.
 */
static void load_algorithms(void)
{
    EVP_MD_free(EVP_MD_fetch(NULL, "SHA256", NULL));
    EVP_CIPHER_free(EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL));
    EVP_MAC_free(EVP_MAC_fetch(NULL, "HMAC", NULL));
    EVP_KDF_free(EVP_KDF_fetch(NULL, "HKDF", NULL));
    EVP_RAND_free(EVP_RAND_fetch(NULL, "CTR-DRBG", NULL));
    EVP_KEYMGMT_free(EVP_KEYMGMT_fetch(NULL, "RSA", NULL));
    EVP_KEYEXCH_free(EVP_KEYEXCH_fetch(NULL, "ECDH", NULL));
    EVP_KEM_free(EVP_KEM_fetch(NULL, "RSA", NULL));
    EVP_SIGNATURE_free(EVP_SIGNATURE_fetch(NULL, "RSA", NULL));
    EVP_ASYM_CIPHER_free(EVP_ASYM_CIPHER_fetch(NULL, "RSA", NULL));
    ERR_clear_error(); /* what there is not is not missed yet */
}

static SSL_CTX *tls_create(const SSL_METHOD *method, char problem[SOCKETS_PROBLEM_SIZE])
{
    load_algorithms();
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        return tls_fail(context, "TLS", problem);
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    return context;
}

SSL_CTX *tls_create_server(const char *certificate, const char *key,
                           char problem[SOCKETS_PROBLEM_SIZE])
{
    SSL_CTX *context = tls_create(TLS_server_method(), problem);
    if (context == NULL) {
        return NULL;
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
        return tls_fail(context, certificate, problem);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return tls_fail(context, key, problem);
    }
    return context;
}

SSL_CTX *tls_create_client(const char *authorities, char problem[SOCKETS_PROBLEM_SIZE])
{
    SSL_CTX *context = tls_create(TLS_client_method(), problem);
    if (context == NULL) {
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (authorities == NULL ? SSL_CTX_set_default_verify_paths(context) != 1
                            : SSL_CTX_load_verify_file(context, authorities) != 1) {
        return tls_fail(context, authorities == NULL ? "the system's authorities" : authorities,
                        problem);
    }
    return context;
}

/* Who has signed the certificate is not among those who are trusted. */
static bool is_untrusted(long verified)
{
    return verified == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
           verified == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           verified == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
           verified == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           verified == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

const char *tls_reason(const SSL *tls, unsigned long error, char text[TLS_REASON_SIZE])
{
    long verified = SSL_get_verify_result(tls);
    if (verified != X509_V_OK) {
        snprintf(text, TLS_REASON_SIZE, "certificate verify failed: %s%s",
                 X509_verify_cert_error_string(verified),
                 is_untrusted(verified) ? "; --tls-ca names a file with who has signed it" : "");
        return text;
    }
    const char *reason = error == 0 ? NULL : ERR_reason_error_string(error);
    if (reason != NULL) {
        snprintf(text, TLS_REASON_SIZE, "%s", reason);
    }
    return reason == NULL ? NULL : text;
}

bool tls_expect_host(SSL *tls, const char *host)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
    }
    return SSL_set_tlsext_host_name(tls, host) == 1 && SSL_set1_host(tls, host) == 1;
}
