// What a peer's frames could do to the library. ngtcp2 0.12 stops the process on some frames that any peer may send after its
// handshake, so decrypted packets pass here before the library reads them, and such frames become PING and padding:
//
// * NEW_CONNECTION_ID with a number below a "retire prior to" that was seen: retired twice, the library aborts.
// * NEW_CONNECTION_ID that retires number 0 before a client has finished its handshake: the library asserts that 0 is in use.
#include "internal.h"

// The connection whose packets the library works on: the decrypt callback does not get it.
static _Thread_local cquic_connection *current;

void cq_guard_enter(cquic_connection *connection) { current = connection; }
void cq_guard_leave(void) { current = NULL; }

typedef struct {
  uint8_t *at, *end;
} cursor;

static bool number(cursor *c, uint64_t *value) {
  if (c->at == c->end) return false;
  size_t size = (size_t)1 << (*c->at >> 6);
  if ((size_t)(c->end - c->at) < size) return false;
  uint64_t result = *c->at++ & 0x3f;
  for (size_t i = 1; i < size; i++) result = (result << 8) | *c->at++;
  *value = result;
  return true;
}

static bool skip(cursor *c, uint64_t count) {
  if ((uint64_t)(c->end - c->at) < count) return false;
  c->at += count;
  return true;
}

static bool numbers(cursor *c, int count) {
  uint64_t value;
  while (count-- > 0) {
    if (!number(c, &value)) return false;
  }
  return true;
}

static bool sized(cursor *c) {
  uint64_t count;
  return number(c, &count) && skip(c, count);
}

static bool acknowledgement(cursor *c, bool ecn) {
  uint64_t ranges;
  if (!numbers(c, 2) || !number(c, &ranges) || !numbers(c, 1)) return false;
  for (; ranges > 0; ranges--) {
    if (!numbers(c, 2)) return false;
  }
  return !ecn || numbers(c, 3);
}

static bool new_connection_id(cquic_connection *connection, cursor *c, uint8_t *start) {
  uint64_t sequence, retire;
  if (!number(c, &sequence) || !number(c, &retire) || c->at == c->end) return false;
  uint8_t length = *c->at++;
  if (!skip(c, (uint64_t)length + NGTCP2_STATELESS_RESET_TOKENLEN)) return false;
  bool early = !connection->server && !connection->settled && retire > 0;
  if (early || sequence < connection->retire_prior_to) {
    *start = 0x01;
    for (uint8_t *byte = start + 1; byte < c->at; byte++) *byte = 0;
    connection->endpoint->counters.frames_defused++;
  } else if (retire > connection->retire_prior_to && retire <= sequence) {
    connection->retire_prior_to = retire;
  }
  return true;
}

// Walks until the end or a malformed frame, which the library refuses by itself.
void cq_guard_frames(cquic_connection *connection, uint8_t *frames, size_t count) {
  cursor c = {frames, frames + count};
  bool good = true;
  while (good && c.at < c.end) {
    uint8_t *start = c.at;
    uint64_t type, value;
    if (!number(&c, &type)) return;
    if (type >= 0x08 && type <= 0x0f) {
      if (!(type & 0x02)) return;  // reaches to the end
      good = numbers(&c, type & 0x04 ? 2 : 1) && sized(&c);
      continue;
    }
    switch (type) {
    case 0x00:
      while (c.at < c.end && *c.at == 0) c.at++;
      break;
    case 0x01: case 0x1e: break;
    case 0x02: case 0x03: good = acknowledgement(&c, type == 0x03); break;
    case 0x04: good = numbers(&c, 3); break;
    case 0x05: case 0x11: case 0x15: good = numbers(&c, 2); break;
    case 0x06: good = number(&c, &value) && sized(&c); break;
    case 0x07: case 0x31: good = sized(&c); break;
    case 0x10: case 0x12: case 0x13: case 0x14: case 0x16: case 0x17: case 0x19: good = numbers(&c, 1); break;
    case 0x18: good = new_connection_id(connection, &c, start); break;
    case 0x1a: case 0x1b: good = skip(&c, 8); break;
    case 0x1c: good = numbers(&c, 2) && sized(&c); break;
    case 0x1d: good = numbers(&c, 1) && sized(&c); break;
    default: return;  // DATAGRAM without a length, or unknown
    }
  }
}

int cq_guard_decrypt(uint8_t *out, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *context, const uint8_t *sealed, size_t count,
                     const uint8_t *nonce, size_t nonce_count, const uint8_t *extra, size_t extra_count) {
  int result = ngtcp2_crypto_decrypt_cb(out, aead, context, sealed, count, nonce, nonce_count, extra, extra_count);
  if (result == 0 && current && count > aead->max_overhead) cq_guard_frames(current, out, count - aead->max_overhead);
  return result;
}

#ifdef CQUIC_TESTING
// A test's way to be a hostile peer: changes frames before they are encrypted.
void (*cquic_test_frames)(cquic_connection *connection, uint8_t *frames, size_t count);

int cq_guard_encrypt(uint8_t *out, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *context, const uint8_t *plain, size_t count,
                     const uint8_t *nonce, size_t nonce_count, const uint8_t *extra, size_t extra_count) {
  // The library encrypts in place, so `plain` may be changed.
  if (cquic_test_frames && current) cquic_test_frames(current, (uint8_t *)plain, count);
  return ngtcp2_crypto_encrypt_cb(out, aead, context, plain, count, nonce, nonce_count, extra, extra_count);
}
#endif
