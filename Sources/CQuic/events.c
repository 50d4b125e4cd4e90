// The queue of events: each connection and stream is in it at most once, with a bit for each kind that waits.
#include "internal.h"

void cq_event_push(cquic_endpoint *endpoint, cq_node *node, cquic_event_kind kind) {
  node->pending |= (uint16_t)(1u << kind);
  if (node->queued) return;
  node->queued = true;
  node->next = NULL;
  node->previous = endpoint->event_tail;
  if (endpoint->event_tail) endpoint->event_tail->next = node;
  else endpoint->event_head = node;
  endpoint->event_tail = node;
}

void cq_event_remove(cquic_endpoint *endpoint, cq_node *node) {
  if (!node->queued) return;
  if (node->previous) node->previous->next = node->next;
  else endpoint->event_head = node->next;
  if (node->next) node->next->previous = node->previous;
  else endpoint->event_tail = node->previous;
  node->queued = false;
  node->previous = node->next = NULL;
}

cquic_event cquic_next_event(cquic_endpoint *endpoint) {
  cq_node *node = endpoint->event_head;
  if (!node) return (cquic_event){CQUIC_NO_EVENT, NULL, NULL};
  // The lowest kind first: a connection is connected before it is closed.
  unsigned kind = (unsigned)__builtin_ctz(node->pending);
  node->pending &= (uint16_t)~(1u << kind);
  if (!node->pending) cq_event_remove(endpoint, node);
  cquic_stream *stream = node->is_stream ? (cquic_stream *)node : NULL;
  cquic_connection *connection = stream ? stream->connection : (cquic_connection *)node;
  return (cquic_event){(cquic_event_kind)kind, connection, stream};
}
