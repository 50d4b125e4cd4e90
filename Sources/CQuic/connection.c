// A connection's life: made, connected, closing or draining, buried, and freed once nobody holds it.
#include "internal.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cquic_connection *cq_connection_new(cquic_endpoint *endpoint) {
  if (!cq_timer_reserve(endpoint)) return NULL;
  cquic_connection *connection = calloc(1, sizeof *connection);
  if (!connection) return NULL;
  connection->endpoint = endpoint;
  connection->timer = UINT64_MAX;
  connection->window.size = endpoint->config.connection_window;
  ngtcp2_connection_close_error_default(&connection->close_error);
  connection->next = endpoint->connections;
  if (endpoint->connections) endpoint->connections->previous = connection;
  endpoint->connections = connection;
  cq_timer_set(connection, UINT64_MAX);
  endpoint->counters.connections++;
  return connection;
}

void cq_connection_mark(cquic_connection *connection) {
  cquic_endpoint *endpoint = connection->endpoint;
  if (connection->dirty || connection->state == CQ_DEAD) return;
  connection->dirty = true;
  connection->dirty_next = NULL;
  if (endpoint->dirty_tail) endpoint->dirty_tail->dirty_next = connection;
  else endpoint->dirty_head = connection;
  endpoint->dirty_tail = connection;
}

static void unmark(cquic_connection *connection) {
  if (!connection->dirty) return;
  cquic_endpoint *endpoint = connection->endpoint;
  cquic_connection *last = NULL;
  for (cquic_connection *at = endpoint->dirty_head; at != connection; at = at->dirty_next) last = at;
  if (last) last->dirty_next = connection->dirty_next;
  else endpoint->dirty_head = connection->dirty_next;
  if (endpoint->dirty_tail == connection) endpoint->dirty_tail = last;
  connection->dirty = false;
}

void cq_connection_settings(cquic_endpoint *endpoint, ngtcp2_settings *settings, ngtcp2_transport_params *parameters, uint64_t now) {
  const cquic_config *config = &endpoint->config;
  ngtcp2_settings_default(settings);
  settings->initial_ts = now;
  settings->cc_algo = NGTCP2_CC_ALGO_CUBIC;
  settings->handshake_timeout = config->handshake_timeout;
  settings->max_tx_udp_payload_size = config->max_udp_payload;
  settings->no_pmtud = !config->path_mtu_discovery;
  settings->no_tx_udp_payload_size_shaping = !config->path_mtu_discovery;
  ngtcp2_transport_params_default(parameters);
  parameters->initial_max_stream_data_bidi_local = parameters->initial_max_stream_data_bidi_remote = config->stream_window;
  parameters->initial_max_stream_data_uni = 0;
  parameters->initial_max_data = config->connection_window;
  parameters->initial_max_streams_bidi = config->max_streams;
  parameters->initial_max_streams_uni = 0;
  parameters->max_idle_timeout = config->idle_timeout;
  parameters->active_connection_id_limit = 7;
  parameters->max_datagram_frame_size = 65535;
  parameters->grease_quic_bit = 1;
}

cquic_connection *cquic_connect(cquic_endpoint *endpoint, const cquic_path *path, const uint8_t *expected_key, uint64_t now) {
  cquic_connection *connection = cq_connection_new(endpoint);
  if (!connection) return NULL;
  connection->shown = true;
  if (expected_key) {
    connection->expects = true;
    memcpy(connection->expected, expected_key, CQUIC_KEY_SIZE);
  }
  ngtcp2_callbacks callbacks;
  ngtcp2_settings settings;
  ngtcp2_transport_params parameters;
  cq_callbacks_fill(&callbacks, false);
  cq_connection_settings(endpoint, &settings, &parameters, now);
  settings.rand_ctx.native_handle = connection;
  ngtcp2_cid destination = {.datalen = CQ_CID_LENGTH}, source = {.datalen = CQ_CID_LENGTH};
  cq_random(endpoint, destination.data, CQ_CID_LENGTH);
  cq_random(endpoint, source.data, CQ_CID_LENGTH);
  ngtcp2_path where = cq_path(path);
  connection->now = now;
  if (ngtcp2_conn_client_new(&connection->quic, &destination, &source, &where, NGTCP2_PROTO_VER_V1, &callbacks, &settings, &parameters, &endpoint->memory,
                             connection) != 0 ||
      !cq_tls_attach(connection) || !cq_cid_add(connection, source.data, CQ_CID_LENGTH)) {
    cq_connection_destroy(connection);
    return NULL;
  }
  cq_connection_mark(connection);
  return connection;
}

void cq_connection_ended(cquic_connection *connection, cquic_end_kind kind, uint64_t code, bool application, const char *reason, size_t count) {
  if (connection->ended) return;
  connection->ended = true;
  cquic_endpoint *endpoint = connection->endpoint;
  if (connection->server && !connection->connected) endpoint->counters.half_open--;
  if (!connection->connected) endpoint->counters.handshakes_failed++;
  cquic_end *end = &connection->end;
  end->kind = kind;
  end->code = code;
  end->application = application;
  if (count >= sizeof end->reason) count = sizeof end->reason - 1;
  if (count) memmove(end->reason, reason, count);
  end->reason[count] = 0;
  cq_streams_end(connection);
  if (connection->shown) {
    // What waits for a datagram learns of the end from this event too.
    cq_event_push(endpoint, &connection->node, CQUIC_EVENT_CLOSED);
  } else {
    connection->released = true;
    cq_streams_forget_unaccepted(connection);
  }
}

static void keep_close_packet(cquic_connection *connection, uint64_t now) {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info information;
  ngtcp2_path_storage_zero(&path);
  connection->close_packet = malloc(CQ_CLOSE_PACKET);
  connection->close_batch = calloc(1, sizeof *connection->close_batch);
  if (!connection->close_packet || !connection->close_batch) return;
  cq_guard_enter(connection);
  ngtcp2_ssize size =
      ngtcp2_conn_write_connection_close(connection->quic, &path.path, &information, connection->close_packet, CQ_CLOSE_PACKET, &connection->close_error, now);
  cq_guard_leave();
  if (size <= 0) return;
  cquic_batch *batch = connection->close_batch;
  memcpy(&batch->path.local, path.path.local.addr, path.path.local.addrlen);
  memcpy(&batch->path.remote, path.path.remote.addr, path.path.remote.addrlen);
  batch->path.local_length = path.path.local.addrlen;
  batch->path.remote_length = path.path.remote.addrlen;
  batch->source = connection->source;
  batch->segment = connection->close_size = (size_t)size;
  batch->ecn = information.ecn;
  connection->close_pending = true;
}

void cq_connection_close_now(cquic_connection *connection, uint64_t now) {
  if (connection->state != CQ_OPEN) return;
  keep_close_packet(connection, now);
  connection->state = CQ_CLOSING;
  connection->deadline = now + 3 * ngtcp2_conn_get_pto(connection->quic);
  cq_timer_set(connection, connection->deadline);
  cq_connection_mark(connection);
}

void cq_connection_drained(cquic_connection *connection, uint64_t now) {
  if (connection->state != CQ_OPEN) return;
  connection->state = CQ_DRAINING;
  connection->deadline = now + 3 * ngtcp2_conn_get_pto(connection->quic);
  cq_timer_set(connection, connection->deadline);
  ngtcp2_connection_close_error error;
  ngtcp2_conn_get_connection_close_error(connection->quic, &error);
  bool application = error.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
  if (connection->stateless_reset) cq_connection_ended(connection, CQUIC_END_RESET, 0, false, "", 0);
  else cq_connection_ended(connection, CQUIC_END_REMOTE, error.error_code, application, (const char *)error.reason, error.reasonlen);
}

void cq_connection_failed(cquic_connection *connection, int error, uint64_t now) {
  if (connection->state != CQ_OPEN) return;
  ngtcp2_connection_close_error *close_error = &connection->close_error;
  if (error == NGTCP2_ERR_CRYPTO) {
    ngtcp2_connection_close_error_set_transport_error_tls_alert(close_error, ngtcp2_conn_get_tls_alert(connection->quic), NULL, 0);
  } else {
    ngtcp2_connection_close_error_set_transport_error_liberr(close_error, error, NULL, 0);
  }
  cq_connection_close_now(connection, now);
  cquic_end_kind kind = connection->wrong_key                            ? CQUIC_END_WRONG_PEER
                        : connection->bad_certificate                    ? CQUIC_END_NO_KEY
                        : error == NGTCP2_ERR_RECV_VERSION_NEGOTIATION   ? CQUIC_END_VERSION
                                                                         : CQUIC_END_ERROR;
  const char *reason = ngtcp2_strerror(error);
  cq_connection_ended(connection, kind, close_error->error_code, false, reason, strlen(reason));
}

void cquic_connection_close(cquic_connection *connection, uint64_t code, const char *reason, uint64_t now) {
  if (connection->close_wanted || connection->ended || connection->state != CQ_OPEN) return;
  cquic_end *end = &connection->end;
  end->code = code;
  snprintf(end->reason, sizeof end->reason, "%s", reason);
  // Before the handshake is done a code of the application may not be sent, and the library would assert.
  if (connection->settled && connection->connected) {
    ngtcp2_connection_close_error_set_application_error(&connection->close_error, code, (uint8_t *)end->reason, strlen(end->reason));
  } else {
    ngtcp2_connection_close_error_set_transport_error(&connection->close_error, NGTCP2_NO_ERROR, NULL, 0);
  }
  connection->close_wanted = true;
  uint64_t linger = connection->endpoint->config.linger;
  connection->deadline = connection->unacknowledged && linger ? now + linger : now;
  cq_connection_mark(connection);
}

bool cq_connection_free_if_unused(cquic_connection *connection) {
  if (connection->state != CQ_DEAD || !connection->released || connection->streams) return false;
  cq_connection_destroy(connection);
  return true;
}

static void free_library_state(cquic_connection *connection) {
  cq_timer_remove(connection);
  unmark(connection);
  cq_cids_clear(connection);
  cq_datagrams_clear(connection);
  if (connection->quic) ngtcp2_conn_del(connection->quic);
  if (connection->tls) gnutls_deinit(connection->tls);
  free(connection->close_packet);
  free(connection->close_batch);
  connection->quic = NULL;
  connection->tls = NULL;
  connection->close_packet = NULL;
  connection->close_batch = NULL;
}

bool cq_connection_bury(cquic_connection *connection) {
  cq_connection_ended(connection, CQUIC_END_LOCAL, 0, false, "", 0);
  connection->state = CQ_DEAD;
  connection->endpoint->counters.connections--;
  free_library_state(connection);
  return cq_connection_free_if_unused(connection);
}

void cq_connection_destroy(cquic_connection *connection) {
  cquic_endpoint *endpoint = connection->endpoint;
  if (connection->state != CQ_DEAD) endpoint->counters.connections--;
  if (connection->server && !connection->connected && !connection->ended) endpoint->counters.half_open--;
  connection->state = CQ_DEAD;
  free_library_state(connection);
  while (connection->streams) cq_stream_destroy(connection->streams);
  cq_event_remove(endpoint, &connection->node);
  if (connection->previous) connection->previous->next = connection->next;
  else endpoint->connections = connection->next;
  if (connection->next) connection->next->previous = connection->previous;
  gnutls_memset(connection->binding, 0, sizeof connection->binding);
  free(connection);
}

void cquic_connection_release(cquic_connection *connection) {
  connection->user = NULL;
  connection->shown = false;
  cq_event_remove(connection->endpoint, &connection->node);
  connection->node.pending = 0;
  connection->released = true;
  cq_streams_forget_unaccepted(connection);
  if (!connection->ended && connection->state == CQ_OPEN) cquic_connection_close(connection, 0, "", connection->now);
  cq_connection_free_if_unused(connection);
}

int cquic_connection_migrate(cquic_connection *connection, const struct sockaddr *local, socklen_t length, uint64_t now) {
  if (connection->state != CQ_OPEN || !connection->connected || connection->server) return CQUIC_REFUSED;
  const ngtcp2_path *current = ngtcp2_conn_get_path(connection->quic);
  ngtcp2_path path = {{(ngtcp2_sockaddr *)local, length}, current->remote, NULL};
  cq_guard_enter(connection);
  int result = ngtcp2_conn_initiate_migration(connection->quic, &path, now);
  cq_guard_leave();
  cq_connection_mark(connection);
  return result == 0 ? 0 : CQUIC_REFUSED;
}

int cquic_connection_update_keys(cquic_connection *connection, uint64_t now) {
  if (connection->state != CQ_OPEN || !connection->connected) return CQUIC_REFUSED;
  int result = ngtcp2_conn_initiate_key_update(connection->quic, now);
  cq_connection_mark(connection);
  return result == 0 ? 0 : CQUIC_REFUSED;
}
