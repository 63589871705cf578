#include "sockets/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* Says what is wrong with `path`, as OpenSSL has it. */
static SSL_CTX *fail(SSL_CTX *context, const char *path, char problem[SOCKETS_PROBLEM_SIZE])
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

static SSL_CTX *create(const SSL_METHOD *method, char problem[SOCKETS_PROBLEM_SIZE])
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        return fail(context, "TLS", problem);
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    return context;
}

SSL_CTX *tls_create_server(const char *certificate, const char *key,
                           char problem[SOCKETS_PROBLEM_SIZE])
{
    SSL_CTX *context = create(TLS_server_method(), problem);
    if (context == NULL) {
        return NULL;
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
        return fail(context, certificate, problem);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return fail(context, key, problem);
    }
    return context;
}

SSL_CTX *tls_create_client(const char *authorities, char problem[SOCKETS_PROBLEM_SIZE])
{
    SSL_CTX *context = create(TLS_client_method(), problem);
    if (context == NULL) {
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (authorities == NULL ? SSL_CTX_set_default_verify_paths(context) != 1
                            : SSL_CTX_load_verify_file(context, authorities) != 1) {
        return fail(context, authorities == NULL ? "the system's authorities" : authorities,
                    problem);
    }
    return context;
}

bool tls_expect_host(SSL *tls, const char *host)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
    }
    return SSL_set_tlsext_host_name(tls, host) == 1 && SSL_set1_host(tls, host) == 1;
}
