// Unreliable datagrams, RFC 9221.
#include "internal.h"

// Type, length, and what a short header and the seal take of a packet: 1 + 20 + 4 + 16.
enum { PACKET_OVERHEAD = 41, FRAME_OVERHEAD = 3 };

static cq_block *pop(cq_block_list *list) {
  cq_block *block = list->head;
  if (block && !(list->head = block->next)) list->tail = NULL;
  return block;
}

static bool push(cquic_endpoint *endpoint, cq_block_list *list, const uint8_t *bytes, size_t count) {
  cq_block *block = cq_block_new(endpoint, count);
  if (!block) return false;
  if (count) __builtin_memcpy(block->bytes, bytes, count);
  block->end = (uint32_t)count;
  if (list->tail) list->tail->next = block;
  else list->head = block;
  list->tail = block;
  return true;
}

int cquic_datagram_send(cquic_connection *connection, const void *bytes, size_t count) {
  if (connection->state != CQ_OPEN || connection->close_wanted || connection->ended) return CQUIC_CLOSED;
  if (!connection->connected) return CQUIC_REFUSED;
  const ngtcp2_transport_params *remote = ngtcp2_conn_get_remote_transport_params(connection->quic);
  size_t packet = ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->quic);
  if (!remote || remote->max_datagram_frame_size == 0) return CQUIC_REFUSED;
  if (count + FRAME_OVERHEAD > remote->max_datagram_frame_size || count + FRAME_OVERHEAD + PACKET_OVERHEAD > packet) return CQUIC_TOO_LARGE;
  if (connection->datagrams_out_count >= connection->endpoint->config.datagram_queue) {
    connection->waits_for_datagram = true;
    return CQUIC_AGAIN;
  }
  if (!push(connection->endpoint, &connection->datagrams_out, bytes, count)) return CQUIC_NO_MEMORY;
  connection->datagrams_out_count++;
  cq_connection_mark(connection);
  return 0;
}

// The first one that waits was sent, or can never be.
void cq_datagram_sent(cquic_connection *connection) {
  cq_block *block = pop(&connection->datagrams_out);
  if (!block) return;
  cq_block_free(connection->endpoint, block);
  connection->datagrams_out_count--;
  connection->datagram_attempts = 0;
  if (!connection->waits_for_datagram) return;
  connection->waits_for_datagram = false;
  cq_event_push(connection->endpoint, &connection->node, CQUIC_EVENT_DATAGRAM_WRITABLE);
}

void cq_datagram_received(cquic_connection *connection, const uint8_t *bytes, size_t count) {
  cquic_endpoint *endpoint = connection->endpoint;
  if (connection->datagrams_in_count >= endpoint->config.datagram_queue || !push(endpoint, &connection->datagrams_in, bytes, count)) {
    endpoint->counters.datagrams_overflowed++;
    return;
  }
  connection->datagrams_in_count++;
  cq_event_push(endpoint, &connection->node, CQUIC_EVENT_DATAGRAM_READABLE);
}

int64_t cquic_datagram_receive(cquic_connection *connection, void *bytes, size_t capacity) {
  cq_block *block = pop(&connection->datagrams_in);
  if (!block) return connection->ended ? CQUIC_CLOSED : CQUIC_AGAIN;
  connection->datagrams_in_count--;
  int64_t size = block->end;
  if ((size_t)size > capacity) size = CQUIC_TOO_LARGE;
  else if (size) __builtin_memcpy(bytes, block->bytes, (size_t)size);
  cq_block_free(connection->endpoint, block);
  return size;
}

void cq_datagrams_clear(cquic_connection *connection) {
  cq_blocks_free(connection->endpoint, &connection->datagrams_out);
  cq_blocks_free(connection->endpoint, &connection->datagrams_in);
  connection->datagrams_out_count = connection->datagrams_in_count = 0;
}
