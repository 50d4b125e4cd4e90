// What a handshake costs at the least: processor time of both ends in one process, without sockets, threads or Swift. In turn in one run: GnuTLS
// alone with the settings of transport.quic, its bytes handed from one session to the other; then the whole shim, ngtcp2 included. COUNT of each.
//   cc -O2 -I Sources/CQuic/include Benchmarks/Transport/handshake.c Sources/CQuic/*.c -lngtcp2_crypto_gnutls -lngtcp2 -lgnutls -o handshake
//   ./handshake 500
#include "centram_quic.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "%s failed\n", what);
  exit(1);
}

static double processor_milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

// GnuTLS alone: bytes[i] wait for session i.
static struct {
  uint8_t bytes[65536];
  size_t start, end;
} waiting[2];
static gnutls_session_t sessions[2];
static gnutls_certificate_credentials_t credentials[2];
static gnutls_priority_t priorities;

static ssize_t push(gnutls_transport_ptr_t which, const void *bytes, size_t count) {
  size_t other = 1 - (size_t)which;
  check(waiting[other].end + count <= sizeof waiting[other].bytes, "room");
  memcpy(waiting[other].bytes + waiting[other].end, bytes, count);
  waiting[other].end += count;
  return (ssize_t)count;
}

static ssize_t pull(gnutls_transport_ptr_t which, void *bytes, size_t count) {
  size_t own = (size_t)which, there = waiting[own].end - waiting[own].start;
  if (!there) {
    gnutls_transport_set_errno(sessions[own], EAGAIN);
    return -1;
  }
  if (count > there) count = there;
  memcpy(bytes, waiting[own].bytes + waiting[own].start, count);
  waiting[own].start += count;
  return (ssize_t)count;
}

static int accept_any(gnutls_session_t session) { return session == NULL; }

static void make_credentials(void) {
  for (int i = 0; i < 2; i++) {
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    check(gnutls_x509_privkey_init(&key) == 0 && gnutls_x509_privkey_generate(key, GNUTLS_PK_EDDSA_ED25519, 256, 0) == 0, "a key");
    check(gnutls_x509_crt_init(&certificate) == 0 && gnutls_x509_crt_set_version(certificate, 3) == 0 && gnutls_x509_crt_set_serial(certificate, "\1\2", 2) == 0 &&
              gnutls_x509_crt_set_activation_time(certificate, 0) == 0 && gnutls_x509_crt_set_expiration_time(certificate, GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION) == 0 &&
              gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, "bench", 5) == 0 && gnutls_x509_crt_set_key(certificate, key) == 0 &&
              gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA512, 0) == 0,
          "a certificate");
    check(gnutls_certificate_allocate_credentials(&credentials[i]) == 0 && gnutls_certificate_set_x509_key(credentials[i], &certificate, 1, key) >= 0, "credentials");
    gnutls_certificate_set_verify_function(credentials[i], accept_any);
  }
  check(gnutls_priority_init(&priorities,
                             "NONE:+VERS-TLS1.3:+AEAD:+ECDHE-ECDSA:+GROUP-X25519:+SIGN-EDDSA-ED25519:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+CTYPE-X509:"
                             "%DISABLE_TLS13_COMPAT_MODE",
                             NULL) == 0,
        "priorities");
}

static void gnutls_alone(void) {
  for (size_t i = 0; i < 2; i++) {
    waiting[i].start = waiting[i].end = 0;
    check(gnutls_init(&sessions[i], (i ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NO_TICKETS | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NONBLOCK) == 0, "a session");
    gnutls_priority_set(sessions[i], priorities);
    gnutls_credentials_set(sessions[i], GNUTLS_CRD_CERTIFICATE, credentials[i]);
    if (i) gnutls_certificate_server_set_request(sessions[i], GNUTLS_CERT_REQUIRE);
    gnutls_transport_set_ptr(sessions[i], (gnutls_transport_ptr_t)i);
    gnutls_transport_set_push_function(sessions[i], push);
    gnutls_transport_set_pull_function(sessions[i], pull);
  }
  int done[2] = {0, 0};
  for (int round = 0; round < 20 && !(done[0] && done[1]); round++) {
    for (int i = 0; i < 2; i++) {
      int result = done[i] ? 0 : gnutls_handshake(sessions[i]);
      check(result == 0 || !gnutls_error_is_fatal(result), "GnuTLS's handshake");
      if (result == 0) done[i] = 1;
    }
  }
  check(done[0] && done[1], "GnuTLS's handshake");
  for (int i = 0; i < 2; i++) gnutls_deinit(sessions[i]);
}

// The shim: endpoint 0 dials, endpoint 1 listens, nothing is lost. The clock is of the program's own making.
static cquic_endpoint *endpoints[2];
static uint64_t now = UINT64_C(1000000000000);
static int connected;

static cquic_path path_of(int from) {
  cquic_path path = {.local_length = sizeof(struct sockaddr_in), .remote_length = sizeof(struct sockaddr_in)};
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(1000 + from)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, remote = local;
  remote.sin_port = htons((uint16_t)(1001 - from));
  memcpy(&path.local, &local, sizeof local);
  memcpy(&path.remote, &remote, sizeof remote);
  return path;
}

static void make_endpoints(void) {
  for (int i = 0; i < 2; i++) {
    const uint64_t second = 1000000000;
    cquic_config config = {.alpn = "centram/1", .idle_timeout = 600 * second, .handshake_timeout = 20 * second, .stream_window = 1 << 20, .max_stream_window = 8 << 20,
                           .connection_window = 2 << 20, .max_connection_window = 16 << 20, .stream_send_buffer = 4 << 20, .connection_send_buffer = 16 << 20, .max_streams = 128,
                           .max_connections = 100000, .max_half_open = 512, .retry_above_half_open = 512, .handshakes_per_minute = 100000000, .datagram_queue = 64,
                           .max_udp_payload = 1452, .path_mtu_discovery = true, .pacing = true};
    memset(config.seed, i + 1, sizeof config.seed);
    endpoints[i] = cquic_endpoint_new(&config, NULL);
    check(endpoints[i] != NULL, "an endpoint");
  }
  cquic_endpoint_accept(endpoints[1], true);
}

static void deliver(int from) {
  static uint8_t bytes[CQUIC_MAX_BATCH];
  cquic_batch batch;
  cquic_path path = path_of(1 - from);
  for (size_t total; (total = cquic_send(endpoints[from], bytes, sizeof bytes, CQUIC_MAX_SEGMENTS, &batch, now));) {
    for (size_t at = 0; at < total; at += batch.segment) {
      cquic_receive(endpoints[1 - from], bytes + at, total - at < batch.segment ? total - at : batch.segment, &path, NULL, 0, now);
    }
  }
  for (cquic_event event; (event = cquic_next_event(endpoints[from])).kind != CQUIC_NO_EVENT;) connected += event.kind == CQUIC_EVENT_CONNECTED;
}

static void shim(void) {
  cquic_path path = path_of(0);
  connected = 0;
  check(cquic_connect(endpoints[0], &path, NULL, now) != NULL, "a connection");
  for (int round = 0; round < 200 && (connected < 2 || round < 8); round++) {
    now += 1000000;
    for (int i = 0; i < 2; i++) {
      cquic_expire(endpoints[i], now);
      deliver(i);
    }
  }
  check(connected == 2, "the shim's handshake");
}

static double each(void (*body)(void), int count) {
  for (int i = 0; i < 20; i++) body();
  double start = processor_milliseconds();
  for (int i = 0; i < count; i++) body();
  return (processor_milliseconds() - start) / count;
}

int main(int count, char **arguments) {
  int rounds = count > 1 ? atoi(arguments[1]) : 500;
  check(rounds > 0, "a count of handshakes above 0");
  make_credentials();
  make_endpoints();
  double alone = each(gnutls_alone, rounds), whole = each(shim, rounds);
  printf("processor milliseconds a handshake, both ends: GnuTLS alone %.2f, the shim %.2f with every connection held\n", alone, whole);
  for (int i = 0; i < 2; i++) cquic_endpoint_free(endpoints[i]);
}
