/* A seccomp filter by hand: it is a list of numbers, and a library would be the larger part of it.
 *
 * Level 1 allows what is listed here; ioctl() only with the requests of clocks and interfaces, and
 * socket() only of the families that the daemon speaks. Level 2 refuses other programs, other
 * processes' memory, and the kernel's administration. */
#include "port/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/pps.h>
#include <linux/ptp_clock.h>
#include <linux/rtc.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#define ARCHITECTURE 0
#endif

#define X32_BIT 0x40000000u /* the other numbering of x86-64; no call elsewhere */

/* Older calls that newer architectures do not have are left out where they are missing. */
static const uint32_t allowed[] = {
    /* time */
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_clock_settime,
    SYS_gettimeofday,
    SYS_nanosleep,
    SYS_timerfd_create,
    SYS_timerfd_settime,
#ifdef SYS_time
    SYS_time,
#endif
    /* itself */
    SYS_exit,
    SYS_exit_group,
    SYS_futex,
    SYS_getegid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getpid,
    SYS_getrandom,
    SYS_gettid,
    SYS_getuid,
    SYS_kill,
    SYS_prlimit64,
    SYS_restart_syscall,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sched_yield,
    SYS_set_robust_list,
    SYS_tgkill,
    SYS_umask,
    SYS_uname,
    SYS_wait4,
#ifdef SYS_rseq
    SYS_rseq,
#endif
    /* memory */
    SYS_brk,
    SYS_madvise,
    SYS_mmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_munmap,
    SYS_shmat,
    SYS_shmdt,
    SYS_shmget,
    /* files */
    SYS_close,
    SYS_dup,
    SYS_faccessat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_fchownat,
    SYS_fcntl,
    SYS_fdatasync,
    SYS_fstat,
    SYS_fsync,
    SYS_ftruncate,
    SYS_getcwd,
    SYS_getdents64,
    SYS_lseek,
    SYS_mkdirat,
    SYS_newfstatat,
    SYS_openat,
    SYS_pread64,
    SYS_read,
    SYS_readlinkat,
    SYS_readv,
    SYS_unlinkat,
    SYS_write,
    SYS_writev,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_renameat2
    SYS_renameat2,
#endif
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_open
    SYS_access,
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_lstat,
    SYS_mkdir,
    SYS_open,
    SYS_readlink,
    SYS_rename,
    SYS_rmdir,
    SYS_stat,
    SYS_unlink,
#endif
    /* network */
    SYS_accept,
    SYS_accept4,
    SYS_bind,
    SYS_connect,
    SYS_getpeername,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_listen,
    SYS_ppoll,
    SYS_pselect6,
    SYS_recvfrom,
    SYS_recvmmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_sendmsg,
    SYS_sendto,
    SYS_setsockopt,
    SYS_shutdown,
#ifdef SYS_poll
    SYS_poll,
    SYS_select,
#endif
};

static const uint32_t allowed_requests[] = {
    TIOCGWINSZ,
    0x5401, /* TCGETS, by isatty(); its header cannot be had beside sys/ioctl.h */
    FIONREAD,
    SIOCETHTOOL,
    SIOCGIFINDEX,
    SIOCGIFNAME,
    SIOCGHWTSTAMP,
    SIOCSHWTSTAMP,
    RTC_RD_TIME,
    RTC_SET_TIME,
    RTC_UIE_ON,
    RTC_UIE_OFF,
    PPS_FETCH,
    PPS_GETCAP,
    PPS_GETPARAMS,
    PPS_SETPARAMS,
    PTP_CLOCK_GETCAPS,
    PTP_SYS_OFFSET,
    PTP_EXTTS_REQUEST,
    PTP_PIN_SETFUNC,
#ifdef PTP_SYS_OFFSET_PRECISE
    PTP_SYS_OFFSET_PRECISE,
#endif
#ifdef PTP_SYS_OFFSET_EXTENDED
    PTP_SYS_OFFSET_EXTENDED,
#endif
#ifdef PTP_SYS_OFFSET_PRECISE2
    PTP_SYS_OFFSET_PRECISE2,
    PTP_SYS_OFFSET_EXTENDED2,
    PTP_SYS_OFFSET2,
    PTP_EXTTS_REQUEST2,
    PTP_PIN_SETFUNC2,
#endif
};

static const uint32_t allowed_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static const uint32_t refused[] = {
    SYS_execve,
    SYS_execveat,
    SYS_clone,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_setns,
    SYS_unshare,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_userfaultfd,
#ifdef SYS_clone3
    SYS_clone3,
#endif
#ifdef SYS_fork
    SYS_fork,
    SYS_vfork,
#endif
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* A program under construction. */
struct assembler {
    struct sock_filter *program;
    size_t at;
};

static void put(struct assembler *assembler, struct sock_filter instruction)
{
    if (assembler->at < VISOR_SANDBOX_LENGTH_MAX)
        assembler->program[assembler->at] = instruction;
    assembler->at++;
}

static void load(struct assembler *assembler, size_t offset)
{
    put(assembler, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void end(struct assembler *assembler, uint32_t action)
{
    put(assembler, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* If what is loaded equals `value`: `action`. */
static void match(struct assembler *assembler, uint32_t value, uint32_t action)
{
    put(assembler, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    end(assembler, action);
}

/* If this is the call: allowed if its argument's low half is one of `values`, else `otherwise`. */
static void match_argument(struct assembler *assembler, uint32_t call, size_t argument,
                           const uint32_t *values, size_t count, uint32_t otherwise)
{
    size_t offset = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);

    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
        offset += 4;
    put(assembler,
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, (uint8_t)(2 * count + 2)));
    load(assembler, offset);
    for (size_t i = 0; i < count; i++)
        match(assembler, values[i], SECCOMP_RET_ALLOW);
    end(assembler, otherwise);
}

size_t visor_sandbox_compile(int level, struct sock_filter program[VISOR_SANDBOX_LENGTH_MAX])
{
    uint32_t denial = level < 0 ? SECCOMP_RET_TRAP : SECCOMP_RET_KILL_PROCESS;
    bool strict = level == 1 || level == -1;
    struct assembler assembler = {.program = program};

    load(&assembler, offsetof(struct seccomp_data, arch));
    put(&assembler, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    end(&assembler, denial);
    load(&assembler, offsetof(struct seccomp_data, nr));
    put(&assembler, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    end(&assembler, denial);
    if (!strict) {
        for (size_t i = 0; i < COUNT(refused); i++)
            match(&assembler, refused[i], denial);
        end(&assembler, SECCOMP_RET_ALLOW);
        return assembler.at;
    }
    match_argument(&assembler, SYS_ioctl, 1, allowed_requests, COUNT(allowed_requests), denial);
    match_argument(&assembler, SYS_socket, 0, allowed_families, COUNT(allowed_families), denial);
    for (size_t i = 0; i < COUNT(allowed); i++)
        match(&assembler, allowed[i], SECCOMP_RET_ALLOW);
    end(&assembler, denial);
    return assembler.at;
}

int visor_sandbox_enter(int level)
{
    struct sock_filter program[VISOR_SANDBOX_LENGTH_MAX];
    struct sock_fprog filter = {.filter = program};

    if (level == 0)
        return 0;
    if (level < -2 || level > 2)
        return -EINVAL;
    if (ARCHITECTURE == 0)
        return -ENOSYS;
    filter.len = (unsigned short)visor_sandbox_compile(level, program);
    if (filter.len > VISOR_SANDBOX_LENGTH_MAX)
        return -E2BIG;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
        return -errno;
    return 0;
}
