// What ngtcp2 calls. Nothing here calls the application: it notes what happened and leaves an event.
#include "internal.h"

#include <string.h>

static void random_bytes(uint8_t *bytes, size_t count, const ngtcp2_rand_ctx *context) {
  cq_random(((cquic_connection *)context->native_handle)->endpoint, bytes, count);
}

static int new_connection_id(ngtcp2_conn *quic, ngtcp2_cid *id, uint8_t *token, size_t length, void *user) {
  (void)quic;
  cquic_connection *connection = user;
  cquic_endpoint *endpoint = connection->endpoint;
  cq_random(endpoint, id->data, length);
  id->datalen = length;
  if (ngtcp2_crypto_generate_stateless_reset_token(token, endpoint->secret, sizeof endpoint->secret, id) != 0) return NGTCP2_ERR_CALLBACK_FAILURE;
  return cq_cid_add(connection, id->data, length) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int remove_connection_id(ngtcp2_conn *quic, const ngtcp2_cid *id, void *user) {
  (void)quic;
  cq_cid_remove(user, id->data, id->datalen);
  return 0;
}

static int path_challenge_data(ngtcp2_conn *quic, uint8_t *data, void *user) {
  (void)quic;
  cq_random(((cquic_connection *)user)->endpoint, data, NGTCP2_PATH_CHALLENGE_DATALEN);
  return 0;
}

// A server knows its client now. A client waits for the server's word: before it the server may still refuse the client's key.
static int handshake_completed(ngtcp2_conn *quic, void *user) {
  (void)quic;
  cquic_connection *connection = user;
  if (connection->server) connection->handshake_done = true;
  return 0;
}

static int handshake_confirmed(ngtcp2_conn *quic, void *user) {
  (void)quic;
  ((cquic_connection *)user)->handshake_done = true;
  return 0;
}

static int stream_open(ngtcp2_conn *quic, int64_t id, void *user) {
  cquic_stream *stream = cq_stream_new(user, id, true);
  return stream && ngtcp2_conn_set_stream_user_data(quic, id, stream) == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *bytes, size_t count, void *user, void *stream) {
  (void)quic, (void)id, (void)offset, (void)user;
  return stream ? cq_stream_received(stream, bytes, count, flags & NGTCP2_STREAM_DATA_FLAG_FIN) : 0;
}

static int stream_acknowledged(ngtcp2_conn *quic, int64_t id, uint64_t offset, uint64_t count, void *user, void *stream) {
  (void)quic, (void)id, (void)offset, (void)user;
  if (!stream) return 0;
  cq_stream_acknowledged(stream, count);
  cq_stream_stop_peer(stream);
  return 0;
}

static int stream_close(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t code, void *user, void *stream) {
  (void)user;
  if (!stream) {
    if (!ngtcp2_conn_is_local_stream(quic, id)) ngtcp2_conn_extend_max_streams_bidi(quic, 1);
    return 0;
  }
  if (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) ((cquic_stream *)stream)->error_code = code;
  cq_stream_library_closed(stream);
  return 0;
}

static int stream_reset(ngtcp2_conn *quic, int64_t id, uint64_t final_size, uint64_t code, void *user, void *stream) {
  (void)quic, (void)id, (void)final_size, (void)user;
  if (stream) cq_stream_read_failed(stream, code);
  return 0;
}

static int stream_stop_sending(ngtcp2_conn *quic, int64_t id, uint64_t code, void *user, void *stream) {
  (void)quic, (void)id, (void)user;
  if (stream) cq_stream_write_failed(stream, code);
  return 0;
}

static int more_stream_data(ngtcp2_conn *quic, int64_t id, uint64_t limit, void *user, void *stream) {
  (void)quic, (void)id, (void)limit;
  if (stream) cq_stream_enqueue(stream);
  cq_connection_mark(user);
  return 0;
}

static int datagram(ngtcp2_conn *quic, uint32_t flags, const uint8_t *bytes, size_t count, void *user) {
  (void)quic, (void)flags;
  cq_datagram_received(user, bytes, count);
  return 0;
}

static int path_validated(ngtcp2_conn *quic, uint32_t flags, const ngtcp2_path *path, ngtcp2_path_validation_result result, void *user) {
  (void)quic, (void)flags, (void)path;
  cquic_connection *connection = user;
  if (result != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) return 0;
  connection->endpoint->counters.path_changes++;
  if (connection->shown) cq_event_push(connection->endpoint, &connection->node, CQUIC_EVENT_PATH);
  return 0;
}

static int stateless_reset(ngtcp2_conn *quic, const ngtcp2_pkt_stateless_reset *reset, void *user) {
  (void)quic, (void)reset;
  ((cquic_connection *)user)->stateless_reset = true;
  return 0;
}

void cq_callbacks_fill(ngtcp2_callbacks *callbacks, bool server) {
  *callbacks = (ngtcp2_callbacks){
      .recv_crypto_data = cq_tls_received,
      .encrypt = ngtcp2_crypto_encrypt_cb,
      .decrypt = cq_guard_decrypt,
      .hp_mask = ngtcp2_crypto_hp_mask_cb,
      .update_key = ngtcp2_crypto_update_key_cb,
      .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
      .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
      .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
      .get_path_challenge_data = path_challenge_data,
      .rand = random_bytes,
      .get_new_connection_id = new_connection_id,
      .remove_connection_id = remove_connection_id,
      .handshake_completed = handshake_completed,
      .handshake_confirmed = handshake_confirmed,
      .stream_open = stream_open,
      .recv_stream_data = stream_data,
      .acked_stream_data_offset = stream_acknowledged,
      .stream_close = stream_close,
      .stream_reset = stream_reset,
      .stream_stop_sending = stream_stop_sending,
      .extend_max_stream_data = more_stream_data,
      .recv_datagram = datagram,
      .path_validation = path_validated,
      .recv_stateless_reset = stateless_reset,
  };
#ifdef CQUIC_TESTING
  callbacks->encrypt = cq_guard_encrypt;
#endif
  if (server) {
    callbacks->recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    // Completed is confirmed for a server; the library says only the first.
    callbacks->handshake_confirmed = NULL;
  } else {
    callbacks->client_initial = ngtcp2_crypto_client_initial_cb;
    callbacks->recv_retry = ngtcp2_crypto_recv_retry_cb;
  }
}
