#include "centram_secure_channel.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

struct centram_channel {
  SSL_CTX *context;
  SSL *ssl;
  BIO *in, *out; /* owned by ssl */
  uint8_t expected[32], peer[32];
  int has_expected, has_peer, wrong_peer, established;
};

/* Instead of a chain to a root: exactly one certificate with an Ed25519 key. That its owner holds the key, TLS proves. */
static int verify(X509_STORE_CTX *store, void *argument) {
  centram_channel_t *channel = argument;
  STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
  X509 *certificate = X509_STORE_CTX_get0_cert(store);
  EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
  size_t length = 32;
  if (!key || (sent && sk_X509_num(sent) > 1) || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_public_key(key, channel->peer, &length) != 1 || length != 32) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
  }
  channel->has_peer = 1;
  if (channel->has_expected && CRYPTO_memcmp(channel->expected, channel->peer, 32) != 0) {
    channel->wrong_peer = 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
  }
  return 1;
}

static int configure(centram_channel_t *channel, const uint8_t seed[32], const uint8_t *der, size_t length) {
  SSL_CTX *context = channel->context;
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
  X509 *certificate = d2i_X509(NULL, &der, (long)length);
  int good = key && certificate && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
             SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 && SSL_CTX_use_certificate(context, certificate) == 1 &&
             SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_set1_sigalgs_list(context, "ed25519") == 1 &&
             SSL_CTX_set1_client_sigalgs_list(context, "ed25519") == 1 && SSL_CTX_set_num_tickets(context, 0) == 1;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, 4096);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback(context, verify, channel);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return good;
}

centram_channel_t *centram_channel_new(int is_server, const uint8_t seed[32], const uint8_t *certificate, size_t length, const uint8_t *expected) {
  centram_channel_t *channel = calloc(1, sizeof *channel);
  if (!channel) return NULL;
  if (expected) {
    memcpy(channel->expected, expected, 32);
    channel->has_expected = 1;
  }
  channel->context = SSL_CTX_new(TLS_method());
  if (!channel->context || !configure(channel, seed, certificate, length) || !(channel->ssl = SSL_new(channel->context))) goto fail;
  channel->in = BIO_new(BIO_s_mem());
  channel->out = BIO_new(BIO_s_mem());
  if (!channel->in || !channel->out) {
    BIO_free(channel->in);
    BIO_free(channel->out);
    goto fail;
  }
  BIO_set_mem_eof_return(channel->in, -1);
  BIO_set_mem_eof_return(channel->out, -1);
  SSL_set_bio(channel->ssl, channel->in, channel->out);
  if (is_server) SSL_set_accept_state(channel->ssl);
  else SSL_set_connect_state(channel->ssl);
  return channel;
fail:
  ERR_clear_error();
  centram_channel_free(channel);
  return NULL;
}

void centram_channel_free(centram_channel_t *channel) {
  if (!channel) return;
  SSL_free(channel->ssl);
  SSL_CTX_free(channel->context);
  free(channel);
}

int centram_channel_feed(centram_channel_t *channel, const uint8_t *bytes, size_t count) {
  size_t written = 0;
  return count == 0 || (BIO_write_ex(channel->in, bytes, count, &written) == 1 && written == count) ? 0 : -1;
}

/* Empties OpenSSL's error queue, which belongs to the thread. */
static int outcome(centram_channel_t *channel, int result) {
  int error = SSL_get_error(channel->ssl, result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
  return error == SSL_ERROR_ZERO_RETURN ? -2 : -1;
}

int centram_channel_handshake(centram_channel_t *channel) {
  if (channel->established) return 1;
  ERR_clear_error();
  int result = SSL_do_handshake(channel->ssl);
  if (result == 1) {
    channel->established = 1;
    return 1;
  }
  return outcome(channel, result) == 0 ? 0 : -1;
}

long centram_channel_read(centram_channel_t *channel, uint8_t *buffer, size_t capacity) {
  size_t count = 0;
  ERR_clear_error();
  int result = SSL_read_ex(channel->ssl, buffer, capacity, &count);
  return result == 1 ? (long)count : outcome(channel, result);
}

int centram_channel_write(centram_channel_t *channel, const uint8_t *bytes, size_t count) {
  size_t written = 0;
  ERR_clear_error();
  if (count == 0) return 0;
  int result = SSL_write_ex(channel->ssl, bytes, count, &written);
  ERR_clear_error();
  return result == 1 && written == count ? 0 : -1;
}

size_t centram_channel_pending(centram_channel_t *channel) { return BIO_ctrl_pending(channel->out); }

size_t centram_channel_take(centram_channel_t *channel, uint8_t *buffer, size_t capacity) {
  size_t count = 0;
  return BIO_read_ex(channel->out, buffer, capacity, &count) == 1 ? count : 0;
}

int centram_channel_peer_key(const centram_channel_t *channel, uint8_t key[32]) {
  if (channel->has_peer) memcpy(key, channel->peer, 32);
  return channel->has_peer;
}

int centram_channel_wrong_peer(const centram_channel_t *channel) { return channel->wrong_peer; }

int centram_channel_export(centram_channel_t *channel, const char *label, uint8_t *bytes, size_t count) {
  ERR_clear_error();
  return SSL_export_keying_material(channel->ssl, bytes, count, label, strlen(label), NULL, 0, 0) == 1 ? 0 : -1;
}
