#define _GNU_SOURCE
#include "centram_sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST = 3, MOST = 8 };

pid_t centram_spawn(const char *path, const int *descriptors, int count) {
  if (count < 0 || count > MOST) return -EINVAL;
  char *const arguments[] = {(char *)path, NULL};
  char *const environment[] = {"SWIFT_BACKTRACE=enable=no", NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  // Copies that lie above every target, so that no dup2 overwrites what a later one needs.
  int copies[MOST], made = 0, failure = 0;
  for (; made < count && !failure; made++)
    if ((copies[made] = fcntl(descriptors[made], F_DUPFD_CLOEXEC, 64)) < 0) { failure = errno; break; }
  for (int i = 0; i < 3; i++) posix_spawn_file_actions_addopen(&actions, i, "/dev/null", i == 0 ? O_RDONLY : O_WRONLY, 0);
  for (int i = 0; i < made; i++) posix_spawn_file_actions_adddup2(&actions, copies[i], FIRST + i);
  posix_spawn_file_actions_addclosefrom_np(&actions, FIRST + count);
  pid_t pid = -1;
  if (!failure) failure = posix_spawn(&pid, path, &actions, &attributes, arguments, environment);
  for (int i = 0; i < made; i++) close(copies[i]);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failure ? -failure : pid;
}

int centram_reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -errno;
  return status;
}

int64_t centram_resident(pid_t pid) {
  char path[40];
  snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  long long total = 0, resident = 0;
  int found = fscanf(file, "%lld %lld", &total, &resident);
  fclose(file);
  return found == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}
