#define _GNU_SOURCE
#include "centram_runner_shim.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int answers;

void centram_runner_answer_for_threads(void) { answers = 1; }

static int thread_state(void) {
  static const char running[] = "0 (worker) R 0\n";
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return -1;
  ssize_t written = write(ends[1], running, sizeof running - 1);
  close(ends[1]);
  if (written > 0) return ends[0];
  close(ends[0]);
  return -1;
}

int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & (O_CREAT | O_TMPFILE)) {
    va_list list;
    va_start(list, flags);
    mode = (mode_t)va_arg(list, unsigned);
    va_end(list);
  }
  int thread = 0, end = 0;
  if (answers && sscanf(path, "/proc/%d/stat%n", &thread, &end) == 1 && end > 0 && !path[end]) return thread_state();
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
