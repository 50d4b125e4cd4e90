#define _GNU_SOURCE
#include "centram_udp.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { READY = 64 };

int cudp_poll_new(void) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  return poll < 0 ? -errno : poll;
}

int cudp_poll_set(int poll, int descriptor, bool add, bool writable) {
  struct epoll_event event = {.events = EPOLLIN | (writable ? EPOLLOUT : 0u), .data.fd = descriptor};
  return epoll_ctl(poll, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, descriptor, &event) == 0 ? 0 : -errno;
}

int cudp_poll_remove(int poll, int descriptor) { return epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, NULL) == 0 ? 0 : -errno; }

int cudp_poll_wait(int poll, int *descriptors, bool *writable, int capacity, uint64_t timeout) {
  struct epoll_event events[READY];
  struct timespec time = {(time_t)(timeout / 1000000000u), (long)(timeout % 1000000000u)};
  int count = epoll_pwait2(poll, events, capacity < READY ? capacity : READY, timeout == UINT64_MAX ? NULL : &time, NULL);
  for (int i = 0; i < count; i++) {
    descriptors[i] = events[i].data.fd;
    writable[i] = events[i].events & EPOLLOUT;
  }
  return count < 0 ? 0 : count;
}

int cudp_waker_new(void) {
  int waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return waker < 0 ? -errno : waker;
}

void cudp_waker_wake(int waker) {
  uint64_t one = 1;
  (void)!write(waker, &one, sizeof one);
}

void cudp_waker_drain(int waker) {
  uint64_t value;
  (void)!read(waker, &value, sizeof value);
}
