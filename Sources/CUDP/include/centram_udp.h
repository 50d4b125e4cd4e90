// UDP sockets with segmentation offload both ways, and epoll: what Swift's Glibc module does not show. Linux only.
#ifndef CENTRAM_UDP_H
#define CENTRAM_UDP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { CUDP_SLOT = 65536, CUDP_SLOTS = 8 };

// A bound socket that does not block, or -errno. `offload`: the kernel may join received datagrams of one sender.
int cudp_open(const struct sockaddr *address, socklen_t length, bool offload);
// The address it is bound to.
int cudp_local(int socket, struct sockaddr_storage *address, socklen_t *length);

typedef struct {
  const struct sockaddr *remote;
  socklen_t remote_length;
  const uint8_t *source;  // our address, 4 or 16 bytes, or NULL
  size_t source_length;
  size_t segment;         // size of each datagram but the last
  uint8_t ecn;
} cudp_send_options;

// All of `bytes` as datagrams: with one call where `offload`, else one by one. 0, or -errno of the first that failed.
int cudp_send(int socket, const uint8_t *bytes, size_t count, const cudp_send_options *options, bool offload);

typedef struct {
  const uint8_t *bytes;
  size_t count, segment;
  struct sockaddr_storage remote;
  socklen_t remote_length;
  uint8_t source[16];
  uint8_t source_length, ecn;
} cudp_datagrams;

// Receives up to CUDP_SLOTS batches into `space` of CUDP_SLOTS * CUDP_SLOT bytes. How many; 0: nothing now; -errno.
int cudp_receive(int socket, uint8_t *space, cudp_datagrams *batches);

// epoll with a time-out in nanoseconds (UINT64_MAX: none), and a descriptor to wake it from another thread.
int cudp_poll_new(void);
int cudp_poll_set(int poll, int descriptor, bool add, bool writable);
int cudp_poll_remove(int poll, int descriptor);
int cudp_poll_wait(int poll, int *descriptors, bool *writable, int capacity, uint64_t timeout);
int cudp_waker_new(void);
void cudp_waker_wake(int waker);
void cudp_waker_drain(int waker);
#endif
