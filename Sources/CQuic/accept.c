// Datagrams from the network: to their connection, or to a new one, or answered without keeping anything.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { MINIMUM_INITIAL_ID = 8, RESET_RANDOM = 22, RESET_SMALLEST_CAUSE = 43 };

void cq_control_push(cquic_endpoint *endpoint, const uint8_t *bytes, size_t count, const cquic_path *path, const cquic_source *source) {
  if (endpoint->control_count >= CQ_CONTROL_LIMIT) return;
  cq_control *control = calloc(1, sizeof *control + count);
  if (!control) return;
  memcpy(control->bytes, bytes, count);
  control->size = count;
  control->batch.path = *path;
  if (source) control->batch.source = *source;
  control->batch.segment = count;
  if (endpoint->controls_tail) endpoint->controls_tail->next = control;
  else endpoint->controls = control;
  endpoint->controls_tail = control;
  endpoint->control_count++;
}

static void negotiate_version(cquic_endpoint *endpoint, const ngtcp2_version_cid *ids, const cquic_path *path, const cquic_source *source) {
  static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
  uint8_t unused, reply[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
  cq_random(endpoint, &unused, 1);
  ngtcp2_ssize size =
      ngtcp2_pkt_write_version_negotiation(reply, sizeof reply, unused, ids->scid, ids->scidlen, ids->dcid, ids->dcidlen, versions, 1);
  if (size <= 0) return;
  cq_control_push(endpoint, reply, (size_t)size, path, source);
  endpoint->counters.version_negotiations_sent++;
}

// Tells a peer that talks to a connection of ours from before a restart. Smaller than its cause, so two ends cannot answer each other for ever.
static void reset_statelessly(cquic_endpoint *endpoint, const ngtcp2_version_cid *ids, const cquic_path *path, const cquic_source *source) {
  uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN], random[RESET_RANDOM], reply[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
  ngtcp2_cid id;
  ngtcp2_cid_init(&id, ids->dcid, ids->dcidlen);
  if (ngtcp2_crypto_generate_stateless_reset_token(token, endpoint->secret, sizeof endpoint->secret, &id) != 0) return;
  cq_random(endpoint, random, sizeof random);
  ngtcp2_ssize size = ngtcp2_pkt_write_stateless_reset(reply, sizeof reply, token, random, sizeof random);
  if (size <= 0) return;
  cq_control_push(endpoint, reply, (size_t)size, path, source);
  endpoint->counters.stateless_resets_sent++;
}

static void ask_for_proof(cquic_endpoint *endpoint, const ngtcp2_pkt_hd *header, const cquic_path *path, const cquic_source *source, uint64_t now) {
  uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN], reply[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
  ngtcp2_cid id = {.datalen = CQ_CID_LENGTH};
  cq_random(endpoint, id.data, CQ_CID_LENGTH);
  ngtcp2_ssize size = ngtcp2_crypto_generate_retry_token(token, endpoint->secret, sizeof endpoint->secret, header->version,
                                                         (const ngtcp2_sockaddr *)&path->remote, path->remote_length, &id, &header->dcid, now);
  if (size <= 0) return;
  size = ngtcp2_crypto_write_retry(reply, sizeof reply, header->version, &header->scid, &id, &header->dcid, token, (size_t)size);
  if (size <= 0) return;
  cq_control_push(endpoint, reply, (size_t)size, path, source);
  endpoint->counters.retries_sent++;
}

static void refuse(cquic_endpoint *endpoint, const ngtcp2_pkt_hd *header, uint64_t code, const cquic_path *path, const cquic_source *source) {
  uint8_t reply[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
  ngtcp2_ssize size = ngtcp2_crypto_write_connection_close(reply, sizeof reply, header->version, &header->scid, &header->dcid, code, NULL, 0);
  if (size > 0) cq_control_push(endpoint, reply, (size_t)size, path, source);
}

static cquic_connection *serve(cquic_endpoint *endpoint, const ngtcp2_pkt_hd *header, const ngtcp2_cid *original, bool proved, const cquic_path *path,
                               uint64_t now) {
  cquic_connection *connection = cq_connection_new(endpoint);
  if (!connection) return NULL;
  connection->server = true;
  connection->released = true;  // until it is connected
  connection->now = now;
  endpoint->counters.half_open++;
  endpoint->counters.handshakes_started++;
  ngtcp2_callbacks callbacks;
  ngtcp2_settings settings;
  ngtcp2_transport_params parameters;
  cq_callbacks_fill(&callbacks, true);
  cq_connection_settings(endpoint, &settings, &parameters, now);
  settings.rand_ctx.native_handle = connection;
  ngtcp2_cid id = {.datalen = CQ_CID_LENGTH};
  cq_random(endpoint, id.data, CQ_CID_LENGTH);
  parameters.original_dcid = *original;
  parameters.stateless_reset_token_present = 1;
  bool good = ngtcp2_crypto_generate_stateless_reset_token(parameters.stateless_reset_token, endpoint->secret, sizeof endpoint->secret, &id) == 0;
  if (proved) {
    parameters.retry_scid_present = 1;
    parameters.retry_scid = header->dcid;
    settings.token = header->token;
  }
  ngtcp2_path where = cq_path(path);
  good = good &&
         ngtcp2_conn_server_new(&connection->quic, &header->scid, &id, &where, header->version, &callbacks, &settings, &parameters, &endpoint->memory,
                                connection) == 0 &&
         cq_tls_attach(connection) && cq_cid_add(connection, id.data, CQ_CID_LENGTH) && cq_cid_add(connection, header->dcid.data, header->dcid.datalen);
  if (good) return connection;
  cq_connection_destroy(connection);
  return NULL;
}

cquic_connection *cq_accept(cquic_endpoint *endpoint, const ngtcp2_version_cid *ids, const uint8_t *bytes, size_t count, const cquic_path *path,
                            const cquic_source *source, uint64_t now) {
  ngtcp2_pkt_hd header;
  bool is_long = bytes[0] & 0x80;
  if (!is_long) {
    if (ids->dcidlen == CQ_CID_LENGTH && count > RESET_SMALLEST_CAUSE) reset_statelessly(endpoint, ids, path, source);
    return NULL;
  }
  if (!endpoint->accepts || ngtcp2_accept(&header, bytes, count) != 0) return NULL;
  ngtcp2_cid original = header.dcid;
  bool proved = header.token.len > 0 &&
                ngtcp2_crypto_verify_retry_token(&original, header.token.base, header.token.len, endpoint->secret, sizeof endpoint->secret, header.version,
                                                 (const ngtcp2_sockaddr *)&path->remote, path->remote_length, &header.dcid, 10 * NGTCP2_SECONDS, now) == 0;
  if (header.token.len > 0 && !proved) {
    endpoint->counters.tokens_refused++;
    // The library checks this only without a token.
    if (header.dcid.datalen < MINIMUM_INITIAL_ID) return NULL;
    original = header.dcid;
  }
  switch (cq_limits_judge(endpoint, path, proved, now)) {
  case CQ_TAKE: return serve(endpoint, &header, &original, proved, path, now);
  case CQ_PROVE: ask_for_proof(endpoint, &header, path, source, now); return NULL;
  case CQ_REFUSE: refuse(endpoint, &header, NGTCP2_CONNECTION_REFUSED, path, source); return NULL;
  case CQ_DROP: return NULL;
  }
  return NULL;
}

static void read_packet(cquic_connection *connection, const uint8_t *bytes, size_t count, const cquic_path *path, uint8_t ecn, uint64_t now) {
  ngtcp2_path where = cq_path(path);
  ngtcp2_pkt_info information = {.ecn = ecn};
  cq_guard_enter(connection);
  int result = ngtcp2_conn_read_pkt(connection->quic, &where, &information, bytes, count, now);
  cq_guard_leave();
  switch (result) {
  case 0: cq_connection_mark(connection); break;
  case NGTCP2_ERR_DRAINING: cq_connection_drained(connection, now); break;
  case NGTCP2_ERR_RETRY:
  case NGTCP2_ERR_DROP_CONN:
    cq_connection_ended(connection, CQUIC_END_ERROR, 0, false, "", 0);
    cq_connection_bury(connection);
    break;
  default: cq_connection_failed(connection, result, now);
  }
}

void cquic_receive(cquic_endpoint *endpoint, const uint8_t *bytes, size_t count, const cquic_path *path, const cquic_source *source, uint8_t ecn,
                   uint64_t now) {
  cquic_counters *counters = &endpoint->counters;
  counters->datagrams_received++;
  counters->bytes_received += count;
  // The library asserts that there is a byte.
  ngtcp2_version_cid ids;
  int decoded = count == 0 ? NGTCP2_ERR_INVALID_ARGUMENT : ngtcp2_pkt_decode_version_cid(&ids, bytes, count, CQ_CID_LENGTH);
  if (decoded == NGTCP2_ERR_VERSION_NEGOTIATION) {
    if (endpoint->accepts && count >= NGTCP2_MAX_UDP_PAYLOAD_SIZE) negotiate_version(endpoint, &ids, path, source);
    counters->datagrams_dropped++;
    return;
  }
  // Ids of other versions may have 255 bytes; the library asserts at most 20.
  if (decoded != 0 || ids.dcidlen > NGTCP2_MAX_CIDLEN || ids.scidlen > NGTCP2_MAX_CIDLEN) {
    counters->datagrams_dropped++;
    return;
  }
  cquic_connection *connection = cq_cid_find(endpoint, ids.dcid, ids.dcidlen);
  if (!connection) connection = cq_accept(endpoint, &ids, bytes, count, path, source, now);
  if (!connection) {
    counters->datagrams_dropped++;
    return;
  }
  connection->now = now;
  connection->packets_received++;
  if (source && connection->server) connection->source = *source;
  switch (connection->state) {
  case CQ_OPEN: read_packet(connection, bytes, count, path, ecn, now); break;
  case CQ_CLOSING:
    // Once a power of two, so that a flood is not answered packet by packet.
    if ((connection->packets_received & (connection->packets_received - 1)) == 0) {
      connection->close_pending = connection->close_size > 0;
      cq_connection_mark(connection);
    }
    break;
  case CQ_DRAINING:
  case CQ_DEAD: break;
  }
}
