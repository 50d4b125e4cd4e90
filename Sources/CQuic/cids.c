// Which connection a connection id belongs to. Strangers choose some of the ids, so the hash has a secret key.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static inline uint64_t rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

// SipHash-1-3 (Aumasson and Bernstein, 2012).
uint64_t cq_hash(const uint8_t key[16], const uint8_t *bytes, size_t count) {
  uint64_t k0, k1;
  memcpy(&k0, key, 8);
  memcpy(&k1, key + 8, 8);
  uint64_t v0 = k0 ^ 0x736f6d6570736575u, v1 = k1 ^ 0x646f72616e646f6du, v2 = k0 ^ 0x6c7967656e657261u, v3 = k1 ^ 0x7465646279746573u;
#define CQ_ROUND                                                        \
  do {                                                                  \
    v0 += v1; v1 = rotate(v1, 13); v1 ^= v0; v0 = rotate(v0, 32);       \
    v2 += v3; v3 = rotate(v3, 16); v3 ^= v2;                            \
    v0 += v3; v3 = rotate(v3, 21); v3 ^= v0;                            \
    v2 += v1; v1 = rotate(v1, 17); v1 ^= v2; v2 = rotate(v2, 32);       \
  } while (0)
  for (size_t left = count; left >= 8; left -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    v3 ^= word;
    CQ_ROUND;
    v0 ^= word;
  }
  uint64_t last = (uint64_t)count << 56;
  for (size_t i = 0; i < (count & 7); i++) last |= (uint64_t)bytes[i] << (8 * i);
  v3 ^= last;
  CQ_ROUND;
  v0 ^= last;
  v2 ^= 0xff;
  CQ_ROUND;
  CQ_ROUND;
  CQ_ROUND;
#undef CQ_ROUND
  return v0 ^ v1 ^ v2 ^ v3;
}

static size_t bucket(const cquic_endpoint *endpoint, const uint8_t *bytes, size_t count) {
  return (size_t)cq_hash(endpoint->hash_key, bytes, count) & (endpoint->bucket_count - 1);
}

static cq_cid_entry *find(const cquic_endpoint *endpoint, const uint8_t *bytes, size_t count) {
  for (cq_cid_entry *entry = endpoint->buckets[bucket(endpoint, bytes, count)]; entry; entry = entry->next) {
    if (entry->length == count && memcmp(entry->bytes, bytes, count) == 0) return entry;
  }
  return NULL;
}

cquic_connection *cq_cid_find(const cquic_endpoint *endpoint, const uint8_t *bytes, size_t count) {
  cq_cid_entry *entry = count <= NGTCP2_MAX_CIDLEN ? find(endpoint, bytes, count) : NULL;
  return entry ? entry->connection : NULL;
}

static void grow(cquic_endpoint *endpoint) {
  size_t old_count = endpoint->bucket_count;
  cq_cid_entry **old = endpoint->buckets, **new = calloc(old_count * 2, sizeof *new);
  if (!new) return;  // longer chains, nothing worse
  endpoint->buckets = new;
  endpoint->bucket_count = old_count * 2;
  for (size_t i = 0; i < old_count; i++) {
    for (cq_cid_entry *entry = old[i], *next; entry; entry = next) {
      next = entry->next;
      size_t place = bucket(endpoint, entry->bytes, entry->length);
      entry->next = new[place];
      new[place] = entry;
    }
  }
  free(old);
}

bool cq_cid_add(cquic_connection *connection, const uint8_t *bytes, size_t count) {
  cquic_endpoint *endpoint = connection->endpoint;
  if (count > NGTCP2_MAX_CIDLEN || find(endpoint, bytes, count)) return false;
  cq_cid_entry *entry = calloc(1, sizeof *entry);
  if (!entry) return false;
  if (endpoint->cid_count >= endpoint->bucket_count) grow(endpoint);
  entry->connection = connection;
  entry->length = (uint8_t)count;
  memcpy(entry->bytes, bytes, count);
  size_t place = bucket(endpoint, bytes, count);
  entry->next = endpoint->buckets[place];
  endpoint->buckets[place] = entry;
  entry->sibling = connection->cids;
  connection->cids = entry;
  endpoint->cid_count++;
  return true;
}

static void unlink_bucket(cquic_endpoint *endpoint, cq_cid_entry *entry) {
  cq_cid_entry **link = &endpoint->buckets[bucket(endpoint, entry->bytes, entry->length)];
  while (*link && *link != entry) link = &(*link)->next;
  if (*link) *link = entry->next;
  endpoint->cid_count--;
}

void cq_cid_remove(cquic_connection *connection, const uint8_t *bytes, size_t count) {
  for (cq_cid_entry **link = &connection->cids; *link; link = &(*link)->sibling) {
    cq_cid_entry *entry = *link;
    if (entry->length != count || memcmp(entry->bytes, bytes, count) != 0) continue;
    unlink_bucket(connection->endpoint, entry);
    *link = entry->sibling;
    free(entry);
    return;
  }
}

void cq_cids_clear(cquic_connection *connection) {
  while (connection->cids) {
    cq_cid_entry *entry = connection->cids;
    unlink_bucket(connection->endpoint, entry);
    connection->cids = entry->sibling;
    free(entry);
  }
}
