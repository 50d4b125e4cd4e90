#define _GNU_SOURCE
#include "centram_sandbox.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8 };

uint64_t centram_monotonic(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int centram_socket_pair(int sockets[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) ? -errno : 0; }

int centram_socket_prepare(int socket) {
  struct timeval slice = {0, 250000};
  if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice) || setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice)) return -errno;
  return 0;
}

// Whether to go on after an interrupted or expired call.
static int again(uint64_t deadline) {
  if (errno == EINTR) return 1;
  if (errno != EAGAIN && errno != EWOULDBLOCK) return 0;
  if (!deadline || centram_monotonic() < deadline) return 1;
  errno = ETIMEDOUT;
  return 0;
}

int centram_packet_send(int socket, const void *head, size_t head_size, const void *body, size_t body_size, const int *descriptors, int count, uint64_t deadline) {
  struct iovec parts[2] = {{(void *)head, head_size}, {(void *)body, body_size}};
  union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int) * MOST)]; } control;
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = body_size ? 2 : 1};
  if (count < 0 || count > MOST) return -EINVAL;
  if (count) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(rights), descriptors, sizeof(int) * (size_t)count);
  }
  while (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
    if (!again(deadline)) return -errno;
  return 0;
}

// Most answers come sooner than a processor that went to sleep wakes up, so for a moment a thread stays awake, and gives way to any other.
// Where its last message was long in coming, as from who is at a large piece of work, or where it was told so, it sleeps at once.
enum { AWAKE_NANOSECONDS = 50000, LONG_NANOSECONDS = 250000 };
static _Thread_local int last_was_long, sleeps;

void centram_wait_asleep(int on) { sleeps = on; }

static ssize_t awaited(int socket, struct msghdr *message, uint64_t began) {
  ssize_t size;
  while ((size = recvmsg(socket, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0 && (errno == EAGAIN || errno == EINTR)) {
    if (sleeps || last_was_long || centram_monotonic() - began > AWAKE_NANOSECONDS) break;
    sched_yield();
  }
  return size;
}

ssize_t centram_packet_receive(int socket, void *bytes, size_t capacity, int *descriptors, int limit, int *count, uint64_t deadline) {
  struct iovec part = {bytes, capacity};
  union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int) * MOST)]; } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count) *count = 0;
  if (limit > MOST) return -EINVAL;
  if (descriptors) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)limit);
  }
  const uint64_t began = centram_monotonic();
  ssize_t size = awaited(socket, &message, began);
  while (size < 0 && (size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0)
    if (!again(deadline)) return errno == ECONNRESET ? 0 : -errno;
  last_was_long = centram_monotonic() - began > LONG_NANOSECONDS;
  if (descriptors)
    for (struct cmsghdr *part_ = CMSG_FIRSTHDR(&message); part_; part_ = CMSG_NXTHDR(&message, part_))
      if (part_->cmsg_level == SOL_SOCKET && part_->cmsg_type == SCM_RIGHTS) {
        *count = (int)((part_->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(descriptors, CMSG_DATA(part_), sizeof(int) * (size_t)*count);
      }
  return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : size;
}

int centram_packet_waits(int socket) {
  struct pollfd one = {.fd = socket, .events = POLLIN};
  if (poll(&one, 1, 0) <= 0) return 0;
  return one.revents & (POLLHUP | POLLERR | POLLNVAL) ? 2 : 1;
}

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif

int centram_share(size_t size, int mode, void **start) {
  int fd = memfd_create("centram-blocks", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  // Kernels before 6.3 know no such flag.
  if (fd < 0 && errno == EINVAL) fd = memfd_create("centram-blocks", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -errno;
  int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | (mode == CENTRAM_SHARE_READ ? F_SEAL_FUTURE_WRITE : 0);
  void *memory = ftruncate(fd, (off_t)size) ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED || fcntl(fd, F_ADD_SEALS, seals)) {
    int reason = errno;
    if (memory != MAP_FAILED) munmap(memory, size);
    close(fd);
    return -reason;
  }
  *start = memory;
  return fd;
}

void *centram_map_shared(int descriptor, size_t size, int mode) {
  void *start = mmap(NULL, size, mode == CENTRAM_SHARE_READ ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return start == MAP_FAILED ? NULL : start;
}
