#define _GNU_SOURCE
#include "centram_udp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bits(const uint8_t *mask, int count) {
  int result = 0;
  for (int i = 0; i < count; i++) result += __builtin_popcount(mask[i]);
  return result;
}

static uint32_t flags_of(unsigned flags) {
  return ((flags & IFF_UP) ? 1 : 0) | ((flags & IFF_MULTICAST) ? 2 : 0) | ((flags & IFF_BROADCAST) ? 4 : 0) | ((flags & IFF_LOOPBACK) ? 8 : 0) |
         ((flags & IFF_POINTOPOINT) ? 16 : 0);
}

int centram_interfaces(struct centram_interface *list, int capacity) {
  struct ifaddrs *all;
  if (getifaddrs(&all) != 0) return -1;
  int count = 0;
  for (struct ifaddrs *a = all; a; a = a->ifa_next) {
    if (!a->ifa_addr || (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6)) continue;
    if (count++ >= capacity) continue;
    struct centram_interface *entry = &list[count - 1];
    memset(entry, 0, sizeof *entry);
    strncpy(entry->name, a->ifa_name, sizeof entry->name - 1);
    entry->index = if_nametoindex(a->ifa_name);
    entry->flags = flags_of(a->ifa_flags);
    if (a->ifa_addr->sa_family == AF_INET) {
      entry->family = 4;
      memcpy(entry->address, &((struct sockaddr_in *)a->ifa_addr)->sin_addr, 4);
      if (a->ifa_netmask) entry->prefix_length = bits((const uint8_t *)&((struct sockaddr_in *)a->ifa_netmask)->sin_addr, 4);
      if ((a->ifa_flags & IFF_BROADCAST) && a->ifa_broadaddr) memcpy(entry->broadcast, &((struct sockaddr_in *)a->ifa_broadaddr)->sin_addr, 4);
    } else {
      entry->family = 6;
      memcpy(entry->address, &((struct sockaddr_in6 *)a->ifa_addr)->sin6_addr, 16);
      if (a->ifa_netmask) entry->prefix_length = bits((const uint8_t *)&((struct sockaddr_in6 *)a->ifa_netmask)->sin6_addr, 16);
    }
  }
  freeifaddrs(all);
  return count;
}

static int failed(int fd) {
  int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

static int set(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof value); }

// Address and port are shared, since another program of this machine may look for services too.
static int open_shared(int family) {
  int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0) return failed(fd);
  set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  return fd;
}

int centram_udp_multicast(int family, const char *interface, uint32_t index, const uint8_t *group, uint16_t port) {
  int fd = open_shared(family == 4 ? AF_INET : AF_INET6);
  if (fd < 0) return -1;
  // Only what arrives on this interface. Kernels before 5.7 want a privilege for it; the check of senders holds without it.
  setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface));
  if (family == 4) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct ip_mreqn join = {.imr_ifindex = (int)index};
    memcpy(&join.imr_multiaddr, group, 4);
    if (set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255) != 0 || set(fd, IPPROTO_IP, IP_TTL, 255) != 0 || set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1) != 0 ||
        set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0) != 0 || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &join, sizeof join) != 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) != 0)
      return failed(fd);
  } else {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct ipv6_mreq join = {.ipv6mr_interface = index};
    memcpy(&join.ipv6mr_multiaddr, group, 16);
    if (set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0 || set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255) != 0 ||
        set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255) != 0 || set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) != 0 ||
        set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index) != 0 || bind(fd, (struct sockaddr *)&any, sizeof any) != 0 ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &join, sizeof join) != 0)
      return failed(fd);
  }
  return fd;
}

int centram_udp_broadcast(uint16_t port) {
  int fd = open_shared(AF_INET);
  if (fd < 0) return -1;
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (set(fd, SOL_SOCKET, SO_BROADCAST, 1) != 0 || bind(fd, (struct sockaddr *)&any, sizeof any) != 0) return failed(fd);
  return fd;
}

uint16_t centram_udp_port(int fd) {
  struct sockaddr_storage own;
  socklen_t size = sizeof own;
  if (getsockname(fd, (struct sockaddr *)&own, &size) != 0) return 0;
  return ntohs(own.ss_family == AF_INET ? ((struct sockaddr_in *)&own)->sin_port : ((struct sockaddr_in6 *)&own)->sin6_port);
}

ssize_t centram_udp_send(int fd, int family, const uint8_t *address, uint32_t scope, uint16_t port, const void *bytes, size_t count) {
  if (family == 4) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&to.sin_addr, address, 4);
    return sendto(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to);
  }
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
  memcpy(&to.sin6_addr, address, 16);
  return sendto(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to);
}

ssize_t centram_udp_receive(int fd, void *bytes, size_t capacity, int *family, uint8_t *address, uint32_t *scope, uint16_t *port) {
  struct sockaddr_storage from;
  socklen_t size = sizeof from;
  ssize_t count = recvfrom(fd, bytes, capacity, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &size);
  if (count < 0) return -1;
  *scope = 0;
  if (from.ss_family == AF_INET) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&from;
    *family = 4;
    memcpy(address, &v4->sin_addr, 4);
    *port = ntohs(v4->sin_port);
  } else {
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&from;
    *family = 6;
    memcpy(address, &v6->sin6_addr, 16);
    *scope = v6->sin6_scope_id;
    *port = ntohs(v6->sin6_port);
  }
  return count;
}
