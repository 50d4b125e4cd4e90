// Packets to send, in batches that one system call can carry: the same path, the same size but for the last.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { VECTORS = 8, DATAGRAM_ATTEMPTS = 3 };

// The handshake is done and the library has written since: its state is whole, so the application may see the connection.
static void settle(cquic_connection *connection) {
  connection->settled = true;
  if (connection->connected || connection->ended || !connection->handshake_done) return;
  if (!connection->has_key || !cq_tls_bind(connection)) {
    cq_connection_failed(connection, NGTCP2_ERR_INTERNAL, connection->now);
    return;
  }
  cq_tls_release(connection);
  cquic_endpoint *endpoint = connection->endpoint;
  connection->connected = true;
  endpoint->counters.handshakes_completed++;
  if (connection->server) {
    endpoint->counters.half_open--;
    connection->shown = true;
    connection->released = false;
  }
  if (endpoint->config.keep_alive) ngtcp2_conn_set_keep_alive_timeout(connection->quic, endpoint->config.keep_alive);
  cq_event_push(endpoint, &connection->node, CQUIC_EVENT_CONNECTED);
}

static void wake(cquic_connection *connection) {
  cq_streams_wake_writers(connection);
  if (!connection->waits_for_stream || ngtcp2_conn_get_streams_bidi_left(connection->quic) == 0 ||
      ngtcp2_conn_get_max_data_left(connection->quic) <= connection->unsent) {
    return;
  }
  connection->waits_for_stream = false;
  cq_event_push(connection->endpoint, &connection->node, CQUIC_EVENT_STREAMS);
}

// The next stream whose bytes the peer's flow control lets through. One that is blocked leaves the queue until it gets credit; the
// library is never asked to write a blocked one.
static cquic_stream *next_stream(cquic_connection *connection) {
  while (connection->send_head) {
    cquic_stream *stream = connection->send_head;
    if (!stream->unsent) return stream;
    if (ngtcp2_conn_get_max_data_left(connection->quic) == 0) return NULL;
    if (ngtcp2_conn_get_max_stream_data_left(connection->quic, stream->id) > 0) return stream;
    cq_stream_dequeue(stream);
  }
  return NULL;
}

static ngtcp2_ssize write_datagram(cquic_connection *connection, uint8_t *out, size_t capacity, ngtcp2_path *path, ngtcp2_pkt_info *information,
                                   uint64_t now) {
  cq_block *block = connection->datagrams_out.head;
  ngtcp2_vec vector = {block->bytes, block->end};
  int accepted = 0;
  ngtcp2_ssize size = ngtcp2_conn_writev_datagram(connection->quic, path, information, out, capacity, &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &vector,
                                                  block->end ? 1 : 0, now);
  // One that found no room in several packets of its own never will: the path got narrower.
  if (accepted || (size > 0 && ++connection->datagram_attempts >= DATAGRAM_ATTEMPTS)) cq_datagram_sent(connection);
  else if (size == NGTCP2_ERR_INVALID_ARGUMENT || size == NGTCP2_ERR_INVALID_STATE) {
    cq_datagram_sent(connection);
    return NGTCP2_ERR_WRITE_MORE;
  }
  return size;
}

static ngtcp2_ssize write_stream(cquic_connection *connection, cquic_stream *stream, uint8_t *out, size_t capacity, ngtcp2_path *path,
                                 ngtcp2_pkt_info *information, uint64_t now) {
  ngtcp2_vec vectors[VECTORS];
  size_t count = 0, total = 0;
  uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE;
  ngtcp2_ssize written = -1;
  if (stream) {
    uint32_t offset = stream->cursor_offset;
    for (cq_block *block = stream->cursor; block && count < VECTORS && total < capacity; block = block->next, offset = 0) {
      if (block->end == offset) continue;
      vectors[count] = (ngtcp2_vec){block->bytes + offset, block->end - offset};
      total += vectors[count++].len;
    }
    if (stream->finish && total == stream->unsent) flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
  }
  ngtcp2_ssize size = ngtcp2_conn_writev_stream(connection->quic, path, information, out, capacity, &written, flags, stream ? stream->id : -1, vectors,
                                                count, now);
  if (!stream) return size;
  if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) {
    cq_stream_dequeue(stream);
    return NGTCP2_ERR_WRITE_MORE;
  }
  if (size == NGTCP2_ERR_STREAM_SHUT_WR || size == NGTCP2_ERR_STREAM_NOT_FOUND) {
    cq_stream_write_failed(stream, stream->error_code);
    return NGTCP2_ERR_WRITE_MORE;
  }
  if (written >= 0) cq_stream_sent(stream, (uint64_t)written, (flags & NGTCP2_WRITE_STREAM_FLAG_FIN) && (size_t)written == total);
  return size;
}

// One packet; 0: nothing to send now; below 0: an error of the library.
static ngtcp2_ssize write_packet(cquic_connection *connection, uint8_t *out, size_t capacity, ngtcp2_path *path, ngtcp2_pkt_info *information, uint64_t now) {
  for (;;) {
    ngtcp2_ssize size;
    if (connection->datagrams_out.head && connection->connected) size = write_datagram(connection, out, capacity, path, information, now);
    else size = write_stream(connection, next_stream(connection), out, capacity, path, information, now);
    if (size != NGTCP2_ERR_WRITE_MORE) return size;
  }
}

static void batch_begin(cquic_batch *batch, const ngtcp2_path *path, const ngtcp2_pkt_info *information, const cquic_connection *connection, size_t size) {
  memcpy(&batch->path.local, path->local.addr, path->local.addrlen);
  memcpy(&batch->path.remote, path->remote.addr, path->remote.addrlen);
  batch->path.local_length = path->local.addrlen;
  batch->path.remote_length = path->remote.addrlen;
  batch->source = connection->source;
  batch->segment = size;
  batch->ecn = information->ecn;
}

static bool same_batch(const cquic_batch *batch, const ngtcp2_path *path, const ngtcp2_pkt_info *information) {
  return batch->ecn == information->ecn && batch->path.local_length == path->local.addrlen && batch->path.remote_length == path->remote.addrlen &&
         memcmp(&batch->path.remote, path->remote.addr, path->remote.addrlen) == 0 && memcmp(&batch->path.local, path->local.addr, path->local.addrlen) == 0;
}

static void stash(cquic_endpoint *endpoint, const cquic_connection *connection, const uint8_t *packet, size_t size, const ngtcp2_path *path,
                  const ngtcp2_pkt_info *information) {
  // Lost, like any packet can be, where memory is out.
  if (!endpoint->stash && !(endpoint->stash = malloc(CQUIC_MAX_BATCH))) return;
  memcpy(endpoint->stash, packet, size);
  endpoint->stash_size = size;
  batch_begin(&endpoint->stash_batch, path, information, connection, size);
}

// One batch of a connection. `more`: there may be another one.
static size_t write_batch(cquic_connection *connection, uint8_t *out, size_t capacity, size_t segments, cquic_batch *batch, uint64_t now, bool *more) {
  cquic_endpoint *endpoint = connection->endpoint;
  size_t packet_limit = ngtcp2_conn_get_max_tx_udp_payload_size(connection->quic), total = 0, packets = 0;
  // Before a round trip was measured the pace would be a guess of 333 ms; the first window may go out at once.
  bool paces = endpoint->config.pacing && connection->connected;
  if (paces) {
    size_t quantum = ngtcp2_conn_get_send_quantum(connection->quic) / packet_limit;
    if (quantum < segments) segments = quantum ? quantum : 1;
  }
  ngtcp2_path_storage path;
  ngtcp2_pkt_info information;
  ngtcp2_path_storage_zero(&path);
  ngtcp2_ssize size = 0;
  *more = false;
  while (capacity - total >= packet_limit) {
    size = write_packet(connection, out + total, packet_limit, &path.path, &information, now);
    if (size <= 0) break;
    connection->packets_sent++;
    *more = true;
    if (packets == 0) {
      batch_begin(batch, &path.path, &information, connection, (size_t)size);
    } else if ((size_t)size > batch->segment || !same_batch(batch, &path.path, &information)) {
      stash(endpoint, connection, out + total, (size_t)size, &path.path, &information);
      break;
    }
    total += (size_t)size;
    // A larger packet than the path takes is a probe for its size: nothing may share its fate.
    bool probe = packets == 0 && (size_t)size > ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->quic);
    if (++packets == segments || (size_t)size < batch->segment || probe) break;
  }
  if (size < 0 && size != NGTCP2_ERR_CLOSING && size != NGTCP2_ERR_DRAINING) {
    cq_connection_failed(connection, (int)size, now);
  } else if (size <= 0) {
    *more = false;
  }
  if (paces) ngtcp2_conn_update_pkt_tx_time(connection->quic, now);
  // What the library holds back although the congestion window has room waits for its pace.
  connection->paced = paces && connection->send_head && ngtcp2_conn_get_cwnd_left(connection->quic) > 0;
  return total;
}

static size_t take_control(cquic_endpoint *endpoint, uint8_t *out, cquic_batch *batch) {
  cq_control *control = endpoint->controls;
  endpoint->controls = control->next;
  if (!endpoint->controls) endpoint->controls_tail = NULL;
  endpoint->control_count--;
  size_t size = control->size;
  memcpy(out, control->bytes, size);
  *batch = control->batch;
  free(control);
  return size;
}

static size_t write_connection(cquic_connection *connection, uint8_t *out, size_t capacity, size_t segments, cquic_batch *batch, uint64_t now) {
  connection->now = now;
  size_t total = 0;
  bool more = false;
  if (connection->state == CQ_OPEN) {
    bool lingers = connection->close_wanted && connection->unacknowledged && now < connection->deadline;
    if (connection->close_wanted && !lingers) {
      cq_connection_close_now(connection, now);
      cq_connection_ended(connection, CQUIC_END_LOCAL, connection->end.code, connection->connected, connection->end.reason, strlen(connection->end.reason));
    } else {
      cq_guard_enter(connection);
      total = write_batch(connection, out, capacity, segments, batch, now, &more);
      cq_guard_leave();
    }
  }
  if (connection->state == CQ_OPEN) {
    if (!connection->settled || !connection->connected) {
      if (connection->server ? connection->handshake_done : ngtcp2_conn_get_handshake_completed(connection->quic)) settle(connection);
    }
    if (connection->state == CQ_OPEN) {
      wake(connection);
      // A lingering connection is written again when an acknowledgement or its deadline comes.
      if (more) cq_connection_mark(connection);
      cq_timer_update(connection, now);
    }
  } else if (!total && connection->close_pending) {
    connection->close_pending = false;
    memcpy(out, connection->close_packet, connection->close_size);
    *batch = *connection->close_batch;
    return connection->close_size;
  }
  return total;
}

size_t cquic_send(cquic_endpoint *endpoint, uint8_t *out, size_t capacity, size_t segments, cquic_batch *batch, uint64_t now) {
  size_t total = 0;
  if (segments == 0 || segments > CQUIC_MAX_SEGMENTS) segments = CQUIC_MAX_SEGMENTS;
  if (endpoint->stash_size) {
    total = endpoint->stash_size;
    memcpy(out, endpoint->stash, total);
    *batch = endpoint->stash_batch;
    endpoint->stash_size = 0;
  } else if (endpoint->controls) {
    total = take_control(endpoint, out, batch);
  }
  while (!total && endpoint->dirty_head) {
    cquic_connection *connection = endpoint->dirty_head;
    endpoint->dirty_head = connection->dirty_next;
    if (!endpoint->dirty_head) endpoint->dirty_tail = NULL;
    connection->dirty = false;
    total = write_connection(connection, out, capacity, segments, batch, now);
  }
  if (total) {
    endpoint->counters.bytes_sent += total;
    endpoint->counters.datagrams_sent += (total + batch->segment - 1) / batch->segment;
  }
  return total;
}
