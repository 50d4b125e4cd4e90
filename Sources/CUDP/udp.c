#define _GNU_SOURCE
#include "centram_udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { SOCKET_BUFFER = 7 << 20, CONTROL_SPACE = 256 };

static void enable(int socket, int level, int name, int value) { (void)!setsockopt(socket, level, name, &value, sizeof value); }

int cudp_open(const struct sockaddr *address, socklen_t length, bool offload) {
  int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  enable(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
  enable(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
  // Probing for the path's size is QUIC's: never fragment.
  if (address->sa_family == AF_INET) {
    enable(fd, IPPROTO_IP, IP_RECVTOS, 1);
    enable(fd, IPPROTO_IP, IP_PKTINFO, 1);
    enable(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    enable(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    enable(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    enable(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    enable(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
  if (offload) enable(fd, IPPROTO_UDP, UDP_GRO, 1);
  if (bind(fd, address, length) < 0) {
    int error = errno;
    close(fd);
    return -error;
  }
  return fd;
}

int cudp_local(int socket, struct sockaddr_storage *address, socklen_t *length) {
  *length = sizeof *address;
  return getsockname(socket, (struct sockaddr *)address, length) == 0 ? 0 : -errno;
}

static struct cmsghdr *next_control(struct msghdr *message, struct cmsghdr *at, int level, int type, const void *value, size_t size) {
  at->cmsg_level = level;
  at->cmsg_type = type;
  at->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(at), value, size);
  message->msg_controllen += CMSG_SPACE(size);
  return (struct cmsghdr *)((char *)at + CMSG_SPACE(size));
}

static int send_one(int socket, const uint8_t *bytes, size_t count, const cudp_send_options *options, size_t segment) {
  union {
    char bytes[CONTROL_SPACE];
    struct cmsghdr header;
  } control = {0};
  struct iovec vector = {(void *)bytes, count};
  struct msghdr message = {.msg_name = (void *)options->remote, .msg_namelen = options->remote_length, .msg_iov = &vector, .msg_iovlen = 1};
  struct cmsghdr *at = &control.header;
  bool is_v4 = options->remote->sa_family == AF_INET;
  if (segment && count > segment) {
    uint16_t size = (uint16_t)segment;
    at = next_control(&message, at, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
  }
  if (options->ecn) {
    int value = options->ecn;
    at = is_v4 ? next_control(&message, at, IPPROTO_IP, IP_TOS, &value, sizeof value)
               : next_control(&message, at, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
  }
  if (options->source && is_v4 && options->source_length == 4) {
    struct in_pktinfo information = {0};
    memcpy(&information.ipi_spec_dst, options->source, 4);
    at = next_control(&message, at, IPPROTO_IP, IP_PKTINFO, &information, sizeof information);
  } else if (options->source && !is_v4 && options->source_length == 16) {
    struct in6_pktinfo information = {0};
    memcpy(&information.ipi6_addr, options->source, 16);
    at = next_control(&message, at, IPPROTO_IPV6, IPV6_PKTINFO, &information, sizeof information);
  }
  (void)at;
  if (message.msg_controllen) message.msg_control = control.bytes;
  for (;;) {
    if (sendmsg(socket, &message, MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return -errno;
  }
}

int cudp_send(int socket, const uint8_t *bytes, size_t count, const cudp_send_options *options, bool offload) {
  if (offload) return send_one(socket, bytes, count, options, options->segment);
  for (size_t at = 0; at < count;) {
    size_t size = count - at < options->segment ? count - at : options->segment;
    int result = send_one(socket, bytes + at, size, options, 0);
    if (result != 0) return result;
    at += size;
  }
  return 0;
}

static void read_control(struct msghdr *message, cudp_datagrams *batch) {
  for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
    int value;
    if (at->cmsg_level == IPPROTO_UDP && at->cmsg_type == UDP_GRO) {
      memcpy(&value, CMSG_DATA(at), sizeof value);
      if (value > 0) batch->segment = (size_t)value;
    } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_TOS) {
      batch->ecn = *(uint8_t *)CMSG_DATA(at) & 3;
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_TCLASS) {
      memcpy(&value, CMSG_DATA(at), sizeof value);
      batch->ecn = (uint8_t)(value & 3);
    } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO) {
      memcpy(batch->source, &((struct in_pktinfo *)CMSG_DATA(at))->ipi_addr, batch->source_length = 4);
    } else if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO) {
      memcpy(batch->source, &((struct in6_pktinfo *)CMSG_DATA(at))->ipi6_addr, batch->source_length = 16);
    }
  }
}

int cudp_receive(int socket, uint8_t *space, cudp_datagrams *batches) {
  struct mmsghdr messages[CUDP_SLOTS];
  struct iovec vectors[CUDP_SLOTS];
  union {
    char bytes[CONTROL_SPACE];
    struct cmsghdr header;
  } controls[CUDP_SLOTS];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < CUDP_SLOTS; i++) {
    vectors[i] = (struct iovec){space + (size_t)i * CUDP_SLOT, CUDP_SLOT};
    messages[i].msg_hdr = (struct msghdr){.msg_name = &batches[i].remote, .msg_namelen = sizeof batches[i].remote, .msg_iov = &vectors[i], .msg_iovlen = 1,
                                          .msg_control = controls[i].bytes, .msg_controllen = sizeof controls[i].bytes};
  }
  int count;
  do count = recvmmsg(socket, messages, CUDP_SLOTS, MSG_DONTWAIT, NULL);
  while (count < 0 && errno == EINTR);
  // A refused datagram of earlier says nothing about the next one.
  if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == ECONNREFUSED ? 0 : -errno;
  for (int i = 0; i < count; i++) {
    batches[i].bytes = vectors[i].iov_base;
    batches[i].count = batches[i].segment = messages[i].msg_len;
    batches[i].remote_length = messages[i].msg_hdr.msg_namelen;
    batches[i].ecn = batches[i].source_length = 0;
    read_control(&messages[i].msg_hdr, &batches[i]);
  }
  return count;
}
