/* Forks, PID files, rights. Everything here is done once, at the start or the end. */
#include "timevisord/process.h"

#include "port/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_PORT 323

/* The process that was started: until the daemon says that it runs, or why not. */
static void wait_for_daemon(int fd, pid_t child)
{
    char text[1024];
    ssize_t size;

    waitpid(child, NULL, 0);
    size = read(fd, text, sizeof(text) - 1);
    if (size == 1 && text[0] == '\0')
        exit(0);
    if (size > 0) {
        text[size] = '\0';
        fprintf(stderr, "%s\n", text);
    }
    exit(1);
}

static bool leave_terminal(void)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0)
        return false;
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(null, fd) < 0)
            return false;
    if (null > 2)
        close(null);
    return chdir("/") == 0;
}

int visor_process_detach(void)
{
    int ends[2];
    pid_t child;

    if (pipe(ends))
        return -1;
    child = fork();
    if (child < 0)
        return -1;
    if (child > 0) {
        close(ends[1]);
        wait_for_daemon(ends[0], child);
    }
    close(ends[0]);
    if (setsid() < 0)
        return -1;
    child = fork(); /* not the leader of its session: no terminal can come back to it */
    if (child < 0)
        return -1;
    if (child > 0)
        _exit(0);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return leave_terminal() ? ends[1] : -1;
}

void visor_process_started(int fd, const char *failure)
{
    const char *text = failure ? failure : "";
    ssize_t written;

    if (fd < 0)
        return;
    do
        written = write(fd, text, failure ? strlen(text) : 1);
    while (written < 0 && errno == EINTR);
    close(fd);
}

/* Who has locked the file, else whom it names. */
static pid_t read_pid(const char *pidfile)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char text[32] = "";
    int fd = open(pidfile, O_RDONLY | O_CLOEXEC);
    long pid;

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    if (fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK)
        lock.l_pid = 0;
    close(fd);
    if (lock.l_pid > 0)
        return lock.l_pid;
    pid = strtol(text, NULL, 10);
    return pid > 0 && pid < 1 << 30 ? (pid_t)pid : 0;
}

pid_t visor_process_holder(const char *pidfile)
{
    pid_t pid = pidfile[0] ? read_pid(pidfile) : 0;

    if (pid == 0 || pid == getpid() || (kill(pid, 0) && errno != EPERM))
        return 0;
    return pid;
}

/* Open and locked by this process alone, which its children do not share; -EAGAIN: by another. */
static int lock_pidfile(const char *pidfile)
{
    int fd = open(pidfile, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat ours, there;
    int error;

    if (fd < 0)
        return -errno;
    error = fcntl(fd, F_SETLK, &lock) ? -EAGAIN : 0;
    if (!error && (fstat(fd, &ours) || stat(pidfile, &there) || ours.st_ino != there.st_ino))
        error = -EAGAIN; /* the last holder is just taking it away */
    if (!error)
        return fd;
    close(fd);
    return error;
}

int visor_process_write_pidfile(const char *pidfile)
{
    char text[32];
    int fd, length;

    if (!pidfile[0])
        return 0;
    fd = lock_pidfile(pidfile);
    if (fd < 0)
        return fd;
    length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) || write(fd, text, (size_t)length) != length)
        return errno ? -errno : -EIO;
    return 0; /* `fd` stays open */
}

void visor_process_remove_pidfile(const char *pidfile)
{
    if (pidfile[0] && read_pid(pidfile) == getpid())
        unlink(pidfile);
}

bool visor_process_name(pid_t pid, char *name, size_t size)
{
    char path[64];
    ssize_t length;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    length = read(fd, name, size - 1);
    close(fd);
    name[length > 0 ? length : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    return length > 0;
}

/* The PID files of daemons that keep the clock; a stale one may name anybody, so names count. */
static const struct {
    const char *pidfile, *name;
} rivals[] = {
    {"/run/chrony/chronyd.pid", "chronyd"},
    {"/run/chronyd.pid", "chronyd"},
    {"/run/timevisor/timevisord.pid", "timevisord"},
    {"/run/chrony/chronyd.pid", "timevisord"},
    {"/run/ntpd.pid", "ntpd"},
    {"/run/ntpsec/ntpd.pid", "ntpd"},
};

bool visor_process_simulated(void)
{
    int probe = socket(AF_UNIX, SOCK_SEQPACKET, 0);

    if (probe < 0)
        return true;
    close(probe);
    return false;
}

/* chronyd and its kin listen there whatever their PID file is called. */
static bool is_command_port_taken(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(COMMAND_PORT),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bool taken;

    if (fd < 0)
        return false;
    taken = bind(fd, (struct sockaddr *)&address, sizeof(address)) && errno == EADDRINUSE;
    close(fd);
    return taken;
}

bool visor_process_rival(char *name, size_t size)
{
    char found[32];

    if (visor_process_simulated())
        return false;
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
        pid_t pid = visor_process_holder(rivals[i].pidfile);

        if (pid && visor_process_name(pid, found, sizeof(found)) &&
            !strcmp(found, rivals[i].name)) {
            snprintf(name, size, "%s (process %d, %s)", found, (int)pid, rivals[i].pidfile);
            return true;
        }
    }
    if (!is_command_port_taken())
        return false;
    snprintf(name, size, _("a daemon that listens on port %d (chronyd?)"), COMMAND_PORT);
    return true;
}

void visor_process_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    int fd;

    if (length < 2 || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* abstract */
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0) {
        close(fd);
        return; /* nobody listens: as good as no socket */
    }
    close(fd);
}

int visor_process_lock_memory(void)
{
    return mlockall(MCL_CURRENT | MCL_FUTURE) ? -errno : 0;
}

int visor_process_set_priority(int priority)
{
    struct sched_param wanted = {.sched_priority = priority};

    return sched_setscheduler(0, SCHED_FIFO, &wanted) ? -errno : 0;
}

int visor_process_find_user(const char *user, uid_t *uid, gid_t *gid)
{
    const struct passwd *entry;

    errno = 0;
    entry = getpwnam(user);
    if (!entry)
        return errno ? -errno : -ENOENT;
    *uid = entry->pw_uid;
    *gid = entry->pw_gid;
    return 0;
}

void visor_process_find_owner(const char *path, char *name, size_t size)
{
    static const char *const usual[] = {"_chrony", "chrony"};
    const char *slash = strrchr(path, '/');
    const struct passwd *entry = NULL;
    char directory[256];
    struct stat there;

    snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 0, path);
    if (!stat(directory, &there)) {
        entry = there.st_uid ? getpwuid(there.st_uid) : NULL;
    } else {
        for (size_t i = 0; !entry && i < sizeof(usual) / sizeof(usual[0]); i++)
            entry = getpwnam(usual[i]);
    }
    snprintf(name, size, "%s", entry ? entry->pw_name : "");
}

static int keep_rights(bool clock, bool device)
{
    cap_value_t kept[3] = {CAP_NET_BIND_SERVICE};
    int count = 1, error = 0;
    cap_t rights = cap_init();

    if (!rights)
        return -ENOMEM;
    if (clock)
        kept[count++] = CAP_SYS_TIME;
    if (device)
        kept[count++] = CAP_NET_RAW;
    if (cap_set_flag(rights, CAP_PERMITTED, count, kept, CAP_SET) ||
        cap_set_flag(rights, CAP_EFFECTIVE, count, kept, CAP_SET) || cap_set_proc(rights))
        error = -errno;
    cap_free(rights);
    return error;
}

int visor_process_drop(const char *user, bool clock, bool device)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    int error = visor_process_find_user(user, &uid, &gid);

    if (error)
        return error;
    if (uid == 0 || uid == geteuid())
        return 0;
    if (prctl(PR_SET_KEEPCAPS, 1) || initgroups(user, gid) || setgid(gid) || setuid(uid))
        return -errno;
    return keep_rights(clock, device);
}
