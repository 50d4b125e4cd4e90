// A merge operator (the first input, doubled) that does what nobody should, as its parameter `mode` says.
#define _GNU_SOURCE
#include "door.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static int *volatile nowhere;
static volatile int forever = 1;

// What the system said to an attempt: 0 where it went through.
static int refusal(long result) { return result < 0 ? errno : 0; }

static void *parent_killer(void *unused) { (void)unused; kill(getppid(), SIGKILL); return NULL; }

// Each is something that the sandbox is there for; the answer is 0 where it could be done.
static int attempt(const char *mode) {
  if (!strcmp(mode, "open")) return refusal(open("/etc/passwd", O_RDONLY));
  if (!strcmp(mode, "open-self")) return refusal(open("/proc/self/mem", O_RDWR));
  if (!strcmp(mode, "create")) return refusal(open("/tmp/centram-fault", O_WRONLY | O_CREAT, 0600));
  if (!strcmp(mode, "stat")) { struct stat found; return refusal(stat("/etc/passwd", &found)); }
  if (!strcmp(mode, "unlink")) return refusal(unlink("/tmp/centram-fault-none"));
  if (!strcmp(mode, "mkdir")) return refusal(mkdir("/tmp/centram-fault", 0700));
  if (!strcmp(mode, "socket")) return refusal(socket(AF_INET, SOCK_STREAM, 0));
  if (!strcmp(mode, "unix-socket")) return refusal(socket(AF_UNIX, SOCK_STREAM, 0));
  if (!strcmp(mode, "netlink")) return refusal(socket(AF_NETLINK, SOCK_RAW, 0));
  if (!strcmp(mode, "fork")) { pid_t child = fork(); if (child == 0) _exit(0); return refusal(child); }
  if (!strcmp(mode, "vfork")) return refusal(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (!strcmp(mode, "exec")) { char *const none[] = {NULL}; return refusal(execve("/bin/true", none, none)); }
  if (!strcmp(mode, "kill-parent")) return refusal(kill(getppid(), SIGTERM));
  if (!strcmp(mode, "kill-all")) return refusal(kill(-1, SIGTERM));
  if (!strcmp(mode, "tgkill-parent")) return refusal(syscall(SYS_tgkill, getppid(), getppid(), SIGTERM));
  if (!strcmp(mode, "queue-parent")) { union sigval value = {0}; return refusal(sigqueue(getppid(), SIGTERM, value)); }
  if (!strcmp(mode, "kill-from-thread")) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, parent_killer, NULL)) return errno;
    pthread_join(thread, NULL);
    return EPERM; // the parent lives, or nobody reads this
  }
  if (!strcmp(mode, "ptrace")) return refusal(syscall(SYS_ptrace, 16, getppid(), 0, 0));
  if (!strcmp(mode, "read-parent")) return refusal(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
  if (!strcmp(mode, "limit-parent")) { struct rlimit none = {0, 0}; return refusal(syscall(SYS_prlimit64, getppid(), RLIMIT_NOFILE, &none, NULL)); }
  if (!strcmp(mode, "raise-limit")) { struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}; return refusal(setrlimit(RLIMIT_DATA, &all)); }
  if (!strcmp(mode, "outlive")) return refusal(syscall(SYS_prctl, 1, 0, 0, 0, 0));
  if (!strcmp(mode, "signal-owner")) return refusal(fcntl(3, F_SETOWN, getppid()));
  if (!strcmp(mode, "memory-file")) return refusal(syscall(SYS_memfd_create, "fault", 0));
  if (!strcmp(mode, "shared-memory")) return refusal((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (!strcmp(mode, "unshare")) return refusal(syscall(SYS_unshare, 0x10000000));
  if (!strcmp(mode, "io-uring")) return refusal(syscall(425, 1, NULL));
  if (!strcmp(mode, "bpf")) return refusal(syscall(SYS_bpf, 0, NULL, 0));
  if (!strcmp(mode, "environment")) return environ && environ[0] && !strncmp(environ[0], "SWIFT_BACKTRACE=", 16) && !environ[1] ? EPERM : 0;
  if (!strcmp(mode, "descriptors")) {
    // Three that go nowhere, what the host gave, and what this process made of it; nothing of the host's beyond that.
    struct stat found;
    for (int fd = 200; fd < 1024; fd++) if (!fstat(fd, &found)) return 0;
    return EBADF;
  }
  return -1;
}

static void send_everywhere(const void *bytes, size_t count) {
  for (int fd = 3; fd < 64; fd++) send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void misbehave(const char *mode, const centram_merge_block_t *block) {
  if (!strcmp(mode, "crash")) *nowhere = 1;
  if (!strcmp(mode, "abort")) abort();
  if (!strcmp(mode, "exit")) _exit(3);
  if (!strcmp(mode, "trap")) __builtin_trap();
  if (!strcmp(mode, "hang")) while (forever) {}
  if (!strcmp(mode, "sleep")) while (forever) { struct timespec second = {1, 0}; nanosleep(&second, NULL); }
  if (!strcmp(mode, "leak")) for (;;) { char *page = malloc(16 << 20); memset(page, 1, 16 << 20); }
  if (!strcmp(mode, "stack")) { char large[1 << 16]; memset(large, 1, sizeof large); misbehave(mode, (void *)large); }
  if (!strcmp(mode, "write-input") && block) ((float *)block->inputs[0])[0] = 1;
  if (!strcmp(mode, "close")) for (int fd = 3; fd < 256; fd++) close(fd);
  if (!strcmp(mode, "garbage")) {
    static const char garbage[100] = "garbage on every line";
    send_everywhere(garbage, sizeof garbage);
  }
  if (!strcmp(mode, "short")) send_everywhere("x", 1);
  if (!strcmp(mode, "forge")) {
    // A reply to a call that nobody made.
    unsigned char head[24] = {17, 0, 1, 0};
    head[8] = 0xff, head[15] = 0x7f;
    send_everywhere(head, sizeof head);
  }
  if (!strcmp(mode, "giant")) {
    unsigned char head[24] = {17, 0, 1, 0};
    memset(head + 16, 0xff, 4);
    send_everywhere(head, sizeof head);
  }
}

typedef struct { const char *mode; int in_block; } pass_t;

static int32_t write_block(void *user, const centram_merge_block_t *block) {
  const pass_t *pass = user;
  if (pass->in_block) misbehave(pass->mode, block);
  for (uint64_t i = 0; i < block->count; i++) block->output[i] = 2 * block->inputs[0][i];
  return CENTRAM_OK;
}

static int32_t merge(void *self, const centram_merge_request_t *request, char *error, size_t capacity) {
  (void)self;
  const char *mode = "", *place = "";
  request->parameters->string(request->parameters->context, "mode", -1, &mode);
  request->parameters->string(request->parameters->context, "place", -1, &place);
  int in_block = !strcmp(place, "block"), answer = attempt(mode);
  if (answer >= 0) {
    snprintf(error, capacity, "%s", answer == 0 ? "went through" : strerrorname_np(answer));
    return CENTRAM_ERROR_IO;
  }
  if (!in_block) misbehave(mode, NULL);
  pass_t pass = {mode, in_block};
  int32_t status = request->for_each_block(request->context, CENTRAM_BLOCKS_ANY, NULL, 0, write_block, &pass);
  if (!strcmp(mode, "endless")) while (!status) status = request->for_each_block(request->context, CENTRAM_BLOCKS_ANY, NULL, 0, write_block, &pass);
  return status;
}

static void *create(const char *configuration, char *error, size_t capacity) {
  (void)error, (void)capacity;
  if (strstr(configuration, "crash")) *nowhere = 1;
  return malloc(1);
}

static const centram_parameter_t parameters[] = {
    {"mode", "what to do", CENTRAM_PARAMETER_STRING, CENTRAM_SCOPE_SHARED, 0, 0, NULL, 0, 0},
    {"place", "where", CENTRAM_PARAMETER_STRING, CENTRAM_SCOPE_SHARED, 0, 0, NULL, 0, 0},
};
static const centram_merge_v1_t table = {sizeof table, CENTRAM_MERGE_BASE_IS_INPUT, 1, 0, parameters, 2, create, fixture_destroy, merge};
#ifdef FAULT_CONSTRUCTOR
__attribute__((constructor)) static void early(void) {
  // Code that runs while the loader works is confined as well: files other than libraries, and everything else, are out of reach.
  if (attempt(FAULT_CONSTRUCTOR) == 0) _exit(9);
}
#endif
FIXTURE_DOOR(CENTRAM_KIND_MERGE_OPERATOR, "test.merge.fault", "centram.merge/1", table, NULL)
