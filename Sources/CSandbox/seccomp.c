#define _GNU_SOURCE
#include "centram_sandbox.h"
#include "landlock.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the allow list knows x86-64 and AArch64"
#endif

// What code needs that has its input in memory: memory, threads, time, and the descriptors that it was given.
static const int computing[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_close, SYS_fstat, SYS_lseek, SYS_dup, SYS_dup3, SYS_pipe2,
    SYS_mprotect, SYS_munmap, SYS_brk, SYS_mremap, SYS_madvise, SYS_membarrier,
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address, SYS_exit, SYS_exit_group, SYS_sched_yield, SYS_sched_getaffinity,
    SYS_sched_getparam, SYS_sched_getscheduler, SYS_restart_syscall,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_sigaltstack,
    SYS_nanosleep, SYS_clock_nanosleep, SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_getrandom,
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_times, SYS_getrlimit,
    SYS_sendmsg, SYS_recvmsg, SYS_sendto, SYS_recvfrom,
    SYS_ppoll, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
#ifdef __x86_64__
    SYS_poll, SYS_epoll_wait, SYS_epoll_create, SYS_dup2, SYS_pipe, SYS_time, SYS_select,
#endif
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
};

static const int connecting[] = {
    SYS_bind, SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_getsockname, SYS_getpeername, SYS_setsockopt, SYS_getsockopt, SYS_shutdown, SYS_sendmmsg,
    SYS_recvmmsg,
};

struct program { struct sock_filter code[400]; unsigned short count; };

static void emit(struct program *p, unsigned short code, unsigned char yes, unsigned char no, unsigned value) {
  if (p->count < sizeof p->code / sizeof *p->code) p->code[p->count] = (struct sock_filter){code, yes, no, value};
  p->count++;
}
static void end(struct program *p, unsigned action) { emit(p, BPF_RET | BPF_K, 0, 0, action); }
static void refuse(struct program *p, int reason) { end(p, SECCOMP_RET_ERRNO | (unsigned)reason); }
// The following `length` instructions are for this call alone, and end.
static void only(struct program *p, int call, int length) { emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, (unsigned char)length, (unsigned)call); }
// The low half of an argument; both architectures are little endian.
static void load(struct program *p, int argument) { emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)(offsetof(struct seccomp_data, args) + 8 * (size_t)argument)); }

// Allows a call where the argument has one of these values.
static void one_of(struct program *p, int call, int argument, const unsigned *values, int count, int reason) {
  only(p, call, 1 + 2 * count + 1);
  load(p, argument);
  for (int i = 0; i < count; i++) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, values[i]);
    end(p, SECCOMP_RET_ALLOW);
  }
  refuse(p, reason);
}

// Allows a call where the argument has none of these bits.
static void without(struct program *p, int call, int argument, unsigned bits, int reason) {
  only(p, call, 4);
  load(p, argument);
  emit(p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
  refuse(p, reason);
  end(p, SECCOMP_RET_ALLOW);
}

static void threads_only(struct program *p) {
  // What threads share, and where their ids go. Anything else makes a process or a namespace.
  const unsigned known = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                         CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_DETACHED;
  only(p, SYS_clone, 5);
  load(p, 0);
  emit(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, ~known);
  emit(p, BPF_JMP | BPF_JSET | BPF_K, 1, 0, CLONE_THREAD);
  refuse(p, EPERM);
  end(p, SECCOMP_RET_ALLOW);
  // Its flags lie in memory, where no filter looks. The C library falls back to clone.
  only(p, SYS_clone3, 1);
  refuse(p, ENOSYS);
}

static void own_limits_only(struct program *p) {
  // Reading limits of this very process: the process id and the pointer to new values are both zero.
  only(p, SYS_prlimit64, 8);
  load(p, 0);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0);
  load(p, 2);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 3, 0);
  emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args) + 20);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  end(p, SECCOMP_RET_ALLOW);
  refuse(p, EPERM);
}

static void no_shared_memory(struct program *p) {
  // Shared anonymous memory escapes the limit on private memory.
  only(p, SYS_mmap, 5);
  load(p, 3);
  emit(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, MAP_SHARED | MAP_ANONYMOUS);
  emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, MAP_SHARED | MAP_ANONYMOUS);
  refuse(p, EPERM);
  end(p, SECCOMP_RET_ALLOW);
}

static int install(int profile, int is_loading) {
  struct program p = {.count = 0};
  emit(&p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
  emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
  end(&p, SECCOMP_RET_KILL_PROCESS);
  emit(&p, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
  emit(&p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000); // x32
  end(&p, SECCOMP_RET_KILL_PROCESS);
#endif
  for (size_t i = 0; i < sizeof computing / sizeof *computing; i++) {
    only(&p, computing[i], 1);
    end(&p, SECCOMP_RET_ALLOW);
  }
  threads_only(&p);
  own_limits_only(&p);
  no_shared_memory(&p);
  const unsigned self = (unsigned)getpid();
  one_of(&p, SYS_tgkill, 0, &self, 1, EPERM);
  one_of(&p, SYS_kill, 0, &self, 1, EPERM);
  static const unsigned names[] = {PR_SET_NAME, PR_GET_NAME};
  one_of(&p, SYS_prctl, 0, names, 2, EPERM);
  // Not F_SETOWN, by which a process can have the kernel send signals to another.
  static const unsigned commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL};
  one_of(&p, SYS_fcntl, 1, commands, 6, EPERM);
  if (profile == CENTRAM_PROFILE_NETWORK) {
    for (size_t i = 0; i < sizeof connecting / sizeof *connecting; i++) {
      only(&p, connecting[i], 1);
      end(&p, SECCOMP_RET_ALLOW);
    }
    static const unsigned families[] = {AF_INET, AF_INET6};
    one_of(&p, SYS_socket, 0, families, 2, EAFNOSUPPORT);
    static const unsigned requests[] = {0x5421, 0x541b}; // FIONBIO, FIONREAD
    one_of(&p, SYS_ioctl, 1, requests, 2, EPERM);
  }
  if (is_loading || profile == CENTRAM_PROFILE_NETWORK) {
    without(&p, SYS_openat, 2, O_ACCMODE | O_CREAT | O_TRUNC, EACCES);
    only(&p, SYS_newfstatat, 1);
    end(&p, SECCOMP_RET_ALLOW);
  }
  if (is_loading) {
    only(&p, SYS_seccomp, 1);
    end(&p, SECCOMP_RET_ALLOW);
  }
  only(&p, SYS_openat, 1);
  refuse(&p, EACCES);
#ifdef __x86_64__
  only(&p, SYS_open, 1);
  refuse(&p, EACCES);
#endif
  refuse(&p, EPERM);
  if (p.count > sizeof p.code / sizeof *p.code) return -E2BIG;
  struct sock_fprog filter = {p.count, p.code};
  long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
  return result < 0 ? -errno : result > 0 ? -EBUSY : 0;
}

int centram_sandbox_before_load(int profile) {
  int landlock = centram_landlock(profile == CENTRAM_PROFILE_NETWORK);
  if (landlock < 0) return landlock;
  int failure = install(profile, 1);
  return failure ? failure : CENTRAM_LAYER_SECCOMP | (landlock ? CENTRAM_LAYER_LANDLOCK : 0);
}

int centram_sandbox_after_load(int profile) { return install(profile, 0); }
