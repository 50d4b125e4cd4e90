// The node's certificate, and what is asked of the peer's: exactly one, with an Ed25519 key. Names, dates and the certificate's own
// signature say nothing: the key is the identity, and the handshake's signature proves that the peer has it.
#include "internal.h"

#include <gnutls/abstract.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CERTIFICATE_LIMIT = 4096 };

void cq_random(cquic_endpoint *endpoint, uint8_t *bytes, size_t count) {
  if (endpoint->config.random) endpoint->config.random(endpoint->config.random_context, bytes, count);
  else if (gnutls_rnd(GNUTLS_RND_RANDOM, bytes, count) != 0) abort();  // without random numbers nothing is safe
}

// 0, or GnuTLS's error.
static int key_import(cquic_endpoint *endpoint) {
  // PKCS #8 of an Ed25519 seed, RFC 8410 section 7.
  uint8_t encoded[48] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
  memcpy(encoded + 16, endpoint->config.seed, CQUIC_KEY_SIZE);
  gnutls_datum_t datum = {encoded, sizeof encoded}, x = {NULL, 0}, k = {NULL, 0};
  gnutls_ecc_curve_t curve;
  int result = gnutls_x509_privkey_init(&endpoint->key);
  if (result == 0) result = gnutls_x509_privkey_import_pkcs8(endpoint->key, &datum, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
  gnutls_memset(encoded, 0, sizeof encoded);
  gnutls_memset(endpoint->config.seed, 0, sizeof endpoint->config.seed);
  if (result == 0) result = gnutls_x509_privkey_export_ecc_raw(endpoint->key, &curve, &x, NULL, &k);
  if (result == 0 && x.size != CQUIC_KEY_SIZE) result = GNUTLS_E_INVALID_REQUEST;
  if (result == 0) memcpy(endpoint->public_key, x.data, CQUIC_KEY_SIZE);
  if (k.data) gnutls_memset(k.data, 0, k.size);
  gnutls_free(x.data);
  gnutls_free(k.data);
  return result;
}

// The same bytes for the same key each time: nothing in it is random and no clock is read.
static int certificate_make(cquic_endpoint *endpoint) {
  int result = gnutls_x509_crt_init(&endpoint->certificate);
  if (result != 0) return result;
  gnutls_x509_crt_t certificate = endpoint->certificate;
  char name[CQUIC_KEY_SIZE * 2 + 1];
  for (int i = 0; i < CQUIC_KEY_SIZE; i++) snprintf(name + 2 * i, 3, "%02x", endpoint->public_key[i]);
  uint8_t serial[8];
  memcpy(serial, endpoint->public_key, sizeof serial);
  serial[0] = (serial[0] & 0x7f) | 1;
  if ((result = gnutls_x509_crt_set_version(certificate, 3)) != 0) return result;
  if ((result = gnutls_x509_crt_set_serial(certificate, serial, sizeof serial)) != 0) return result;
  if ((result = gnutls_x509_crt_set_activation_time(certificate, 0)) != 0) return result;
  if ((result = gnutls_x509_crt_set_expiration_time(certificate, GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION)) != 0) return result;
  // X.520 allows 64 characters.
  if ((result = gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name, 63)) != 0) return result;
  if ((result = gnutls_x509_crt_set_key(certificate, endpoint->key)) != 0) return result;
  return gnutls_x509_crt_sign2(certificate, certificate, endpoint->key, GNUTLS_DIG_SHA512, 0);
}

static bool key_of(gnutls_x509_crt_t certificate, uint8_t key[CQUIC_KEY_SIZE]) {
  gnutls_pubkey_t public = NULL;
  gnutls_datum_t x = {NULL, 0}, y = {NULL, 0};
  gnutls_ecc_curve_t curve;
  bool found = gnutls_pubkey_init(&public) == 0 && gnutls_pubkey_import_x509(public, certificate, 0) == 0 &&
               gnutls_pubkey_get_pk_algorithm(public, NULL) == GNUTLS_PK_EDDSA_ED25519 &&
               gnutls_pubkey_export_ecc_raw2(public, &curve, &x, &y, 0) == 0 && curve == GNUTLS_ECC_CURVE_ED25519 && x.size == CQUIC_KEY_SIZE;
  if (found) memcpy(key, x.data, CQUIC_KEY_SIZE);
  gnutls_free(x.data);
  gnutls_free(y.data);
  if (public) gnutls_pubkey_deinit(public);
  return found;
}

static int verify(gnutls_session_t session) {
  ngtcp2_crypto_conn_ref *reference = gnutls_session_get_ptr(session);
  cquic_connection *connection = reference->user_data;
  unsigned count = 0;
  const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &count);
  gnutls_x509_crt_t certificate = NULL;
  bool good = list && count == 1 && list[0].size <= CERTIFICATE_LIMIT && gnutls_x509_crt_init(&certificate) == 0 &&
              gnutls_x509_crt_import(certificate, &list[0], GNUTLS_X509_FMT_DER) == 0 && key_of(certificate, connection->key);
  if (certificate) gnutls_x509_crt_deinit(certificate);
  connection->bad_certificate = !good;
  if (!good) return -1;
  connection->has_key = true;
  // gnutls_memcmp takes the same time wherever the difference is.
  if (connection->expects && gnutls_memcmp(connection->expected, connection->key, CQUIC_KEY_SIZE) != 0) {
    connection->wrong_key = true;
    return -1;
  }
  return 0;
}

const char *cq_identity_make(cquic_endpoint *endpoint) {
  int result = key_import(endpoint);
  if (result != 0) return gnutls_strerror(result);
  if ((result = certificate_make(endpoint)) != 0) return gnutls_strerror(result);
  if ((result = gnutls_certificate_allocate_credentials(&endpoint->credentials)) != 0) return gnutls_strerror(result);
  if ((result = gnutls_certificate_set_x509_key(endpoint->credentials, &endpoint->certificate, 1, endpoint->key)) < 0) return gnutls_strerror(result);
  gnutls_certificate_set_verify_function(endpoint->credentials, verify);
  // AES first: with this GnuTLS ChaCha20 takes nine times as long on a processor with AES instructions.
  result = gnutls_priority_init(&endpoint->priorities,
                                "NONE:+VERS-TLS1.3:+AEAD:+ECDHE-ECDSA:+GROUP-X25519:+SIGN-EDDSA-ED25519:+AES-128-GCM:+AES-256-GCM:"
                                "+CHACHA20-POLY1305:+CTYPE-X509:%DISABLE_TLS13_COMPAT_MODE",
                                NULL);
  return result == 0 ? NULL : gnutls_strerror(result);
}

static ngtcp2_conn *connection_of(ngtcp2_crypto_conn_ref *reference) { return ((cquic_connection *)reference->user_data)->quic; }

bool cq_tls_attach(cquic_connection *connection) {
  cquic_endpoint *endpoint = connection->endpoint;
  // No tickets, so no resumption, so no early data that could be replayed.
  unsigned flags = (connection->server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NO_TICKETS | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA;
  if (gnutls_init(&connection->tls, flags) != 0) {
    connection->tls = NULL;
    return false;
  }
  if (gnutls_priority_set(connection->tls, endpoint->priorities) != 0) return false;
  int configured = connection->server ? ngtcp2_crypto_gnutls_configure_server_session(connection->tls)
                                      : ngtcp2_crypto_gnutls_configure_client_session(connection->tls);
  if (configured != 0) return false;
  connection->reference = (ngtcp2_crypto_conn_ref){.get_conn = connection_of, .user_data = connection};
  gnutls_session_set_ptr(connection->tls, &connection->reference);
  if (gnutls_credentials_set(connection->tls, GNUTLS_CRD_CERTIFICATE, endpoint->credentials) != 0) return false;
  gnutls_datum_t alpn = {(uint8_t *)endpoint->alpn, (unsigned)strlen(endpoint->alpn)};
  if (gnutls_alpn_set_protocols(connection->tls, &alpn, 1, GNUTLS_ALPN_MANDATORY) != 0) return false;
  if (connection->server) gnutls_certificate_server_set_request(connection->tls, GNUTLS_CERT_REQUIRE);
  ngtcp2_conn_set_tls_native_handle(connection->quic, connection->tls);
  return true;
}

bool cq_tls_bind(cquic_connection *connection) {
  static const char label[] = "EXPORTER-Channel-Binding";
  return gnutls_prf_rfc5705(connection->tls, sizeof label - 1, label, 0, "", CQUIC_BINDING_SIZE, (char *)connection->binding) == 0;
}

// The session is a fifth of what a connection takes.
void cq_tls_release(cquic_connection *connection) {
  ngtcp2_conn_set_tls_native_handle(connection->quic, NULL);
  gnutls_deinit(connection->tls);
  connection->tls = NULL;
}

// After the handshake a server may send session tickets, which are not used here, and nothing else: QUIC has no other messages then.
static bool late_message(cquic_connection *connection, const uint8_t *bytes, size_t count) {
  enum { NEW_SESSION_TICKET = 4 };
  if (connection->server) return false;
  while (count) {
    if (connection->late_left) {
      size_t part = count < connection->late_left ? count : connection->late_left;
      connection->late_left -= (uint32_t)part;
      bytes += part;
      count -= part;
      continue;
    }
    connection->late_header[connection->late_count++] = *bytes++;
    count--;
    if (connection->late_header[0] != NEW_SESSION_TICKET) return false;
    if (connection->late_count < sizeof connection->late_header) continue;
    connection->late_count = 0;
    connection->late_left = (uint32_t)connection->late_header[1] << 16 | (uint32_t)connection->late_header[2] << 8 | connection->late_header[3];
  }
  return true;
}

int cq_tls_received(ngtcp2_conn *quic, ngtcp2_crypto_level level, uint64_t offset, const uint8_t *bytes, size_t count, void *user) {
  enum { UNEXPECTED_MESSAGE = 10 };
  cquic_connection *connection = user;
  if (connection->tls) return ngtcp2_crypto_recv_crypto_data_cb(quic, level, offset, bytes, count, user);
  if (late_message(connection, bytes, count)) return 0;
  ngtcp2_conn_set_tls_alert(quic, UNEXPECTED_MESSAGE);
  return NGTCP2_ERR_CRYPTO;
}

bool cquic_endpoint_pem(const cquic_endpoint *endpoint, char *certificate, size_t *certificate_size, char *key, size_t *key_size) {
  return gnutls_x509_crt_export(endpoint->certificate, GNUTLS_X509_FMT_PEM, certificate, certificate_size) == 0 &&
         gnutls_x509_privkey_export_pkcs8(endpoint->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, key, key_size) == 0;
}
