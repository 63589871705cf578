#include "server/tls.h"

#include <openssl/err.h>
#include <stdio.h>

/* Says what is wrong with `path`, as OpenSSL has it. */
static SSL_CTX *fail(SSL_CTX *context, const char *path, char problem[SERVER_PROBLEM_SIZE])
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(problem, SERVER_PROBLEM_SIZE, "%s: %s", path,
             reason == NULL ? "OpenSSL refuses it" : reason);
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *tls_create(const char *certificate, const char *key, char problem[SERVER_PROBLEM_SIZE])
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
        return fail(context, "TLS", problem);
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
        return fail(context, certificate, problem);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return fail(context, key, problem);
    }
    return context;
}
