#define _GNU_SOURCE
#include "centram_sandbox.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// The lower of what is asked for and what there is; `grace` more for the hard limit.
static int set(__rlimit_resource_t what, rlim_t value, rlim_t grace) {
  struct rlimit both = {value, value + grace}, now;
  if (getrlimit(what, &now)) return -errno;
  if (now.rlim_max < both.rlim_max) both.rlim_max = now.rlim_max;
  if (both.rlim_max < both.rlim_cur) both.rlim_cur = both.rlim_max;
  return setrlimit(what, &both) ? -errno : 0;
}

int centram_sandbox_prepare(void) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -errno;
  signal(SIGPIPE, SIG_IGN);
  return 0;
}

int centram_sandbox_limits(uint64_t memory, uint64_t cpu_seconds, uint64_t descriptors) {
  int failure = set(RLIMIT_CORE, 0, 0);
  if (!failure) failure = set(RLIMIT_FSIZE, 0, 0);
  if (!failure) failure = set(RLIMIT_NOFILE, descriptors, 0);
  // Private writable memory: the heap, stacks, anonymous mappings. Memory that the host shares does not count.
  if (!failure && memory) failure = set(RLIMIT_DATA, memory, 0);
  // First a signal that says why, then, where that is not heeded, the end.
  if (!failure && cpu_seconds) failure = set(RLIMIT_CPU, cpu_seconds, 1);
  return failure;
}
