/*
 * TLS 1.3, as a server has it with bufferevent_openssl: OpenSSL's defaults, a key made for the run.
 * Session tickets are off, so that nothing but responses follows the handshake.
 */
#include "bench/sink.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

enum { HANDSHAKE_TURNS = 1000, VALID_SECONDS = 24 * 60 * 60 };

struct tls {
    SSL_CTX *server;
    SSL_CTX *client;
    SSL *far_end;
};

static EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, NULL);
    if (context != NULL && EVP_PKEY_keygen_init(context) == 1) {
        EVP_PKEY_keygen(context, &key);
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

/* Signed by itself; nobody checks it. */
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    if (certificate != NULL) {
        X509_NAME *name = X509_get_subject_name(certificate);
        X509_set_version(certificate, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bench", -1, -1,
                                   0);
        X509_set_issuer_name(certificate, name);
        X509_set_pubkey(certificate, key);
        if (X509_sign(certificate, key, NULL) == 0) {
            X509_free(certificate);
            return NULL;
        }
    }
    return certificate;
}

static bool use_own_key(SSL_CTX *server)
{
    EVP_PKEY *key = make_key();
    X509 *certificate = key == NULL ? NULL : make_certificate(key);
    bool used = certificate != NULL && SSL_CTX_use_certificate(server, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(server, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return used;
}

static bool make_contexts(struct tls *tls)
{
    tls->server = SSL_CTX_new(TLS_server_method());
    tls->client = SSL_CTX_new(TLS_client_method());
    return tls->server != NULL && tls->client != NULL &&
           SSL_CTX_set_min_proto_version(tls->server, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(tls->server, 0) == 1 && use_own_key(tls->server);
}

static bool open_far_end(struct sink *sink, struct tls *tls)
{
    tls->far_end = SSL_new(tls->client);
    if (tls->far_end == NULL || SSL_set_fd(tls->far_end, sink->peer) != 1) {
        return false;
    }
    SSL_set_connect_state(tls->far_end);
    return true;
}

static bool sink_tls_shake_hands(struct sink *sink, struct tls *tls)
{
    SSL *own = bufferevent_openssl_get_ssl(sink->bufferevent);
    for (int i = 0; i < HANDSHAKE_TURNS; i++) {
        SSL_do_handshake(tls->far_end);
        event_base_loop(sink->base, EVLOOP_NONBLOCK);
        if (SSL_is_init_finished(tls->far_end) && SSL_is_init_finished(own)) {
            return true;
        }
    }
    return false;
}

static bool open_tls(struct sink *sink)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    int own;
    sink->tls = tls;
    if (tls == NULL || !make_contexts(tls) || !sink_socket_pair(sink, &own)) {
        return false;
    }
    SSL *ssl = SSL_new(tls->server);
    if (ssl != NULL) {
        sink->bufferevent =
            bufferevent_openssl_socket_new(sink->base, own, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                           BEV_OPT_THREADSAFE | BEV_OPT_CLOSE_ON_FREE);
    }
    if (sink->bufferevent == NULL) {
        SSL_free(ssl);
        close(own);
        return false;
    }
    bufferevent_enable(sink->bufferevent, EV_READ | EV_WRITE);
    return open_far_end(sink, tls) && sink_tls_shake_hands(sink, tls);
}

static void close_tls(struct sink *sink)
{
    struct tls *tls = sink->tls;
    if (tls != NULL) {
        SSL_free(tls->far_end);
        SSL_CTX_free(tls->client);
        SSL_CTX_free(tls->server);
        free(tls);
    }
}

static size_t take_tls(struct sink *sink, uint8_t *out, size_t room)
{
    const struct tls *tls = sink->tls;
    size_t taken = 0;
    return SSL_read_ex(tls->far_end, out, room, &taken) == 1 ? taken : 0;
}

/* OpenSSL hands a record to its socket BIO, and that makes one write of it. */
static long on_bio(BIO *bio, int operation, const char *bytes, size_t size, int argument,
                   long long_argument, int result, size_t *processed)
{
    (void)bytes;
    (void)size;
    (void)argument;
    (void)long_argument;
    (void)processed;
    if (operation == (BIO_CB_WRITE | BIO_CB_RETURN) && result > 0) {
        ((struct sink *)(void *)BIO_get_callback_arg(bio))->writes++;
    }
    return result;
}

static void sink_tls_count_writes(struct sink *sink, bool on)
{
    BIO *bio = SSL_get_wbio(bufferevent_openssl_get_ssl(sink->bufferevent));
    BIO_set_callback_arg(bio, (char *)sink);
    BIO_set_callback_ex(bio, on ? on_bio : NULL);
}

const struct sink_kind sink_tls = {open_tls, close_tls, sink_socket_turn, take_tls,
                                   sink_tls_count_writes};
