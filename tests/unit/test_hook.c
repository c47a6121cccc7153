/* Hooks and holds, by the process that carries them out. A control group is mostly a directory with
 * a file `cgroup.freeze` here; the last tests freeze a real one, mounted for themselves alone. */
#include "port/helper.h"
#include "port/hold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* after which a test would say that nothing happened */

static struct visor_hook_config hook_of(enum visor_hook_kind kind, const char *command,
                                        double limit)
{
    struct visor_hook_config hook = {.events = 1, .kind = kind, .limit = limit};

    snprintf(hook.command, sizeof(hook.command), "%s", command);
    return hook;
}

static struct visor_outcome run(enum visor_hook_kind kind, const char *command, double limit)
{
    struct visor_hook_config hook = hook_of(kind, command, limit);
    struct visor_occasion occasion = {.event = VISOR_HOOK_RED,
                                      .level = VISOR_EMERGENCY_RED,
                                      .cause = VISOR_CAUSE_STOPPED,
                                      .sized = true,
                                      .size_s = 60.25,
                                      .error_s = 0.001};
    struct visor_outcome outcome;

    visor_hook_run(&hook, &occasion, &outcome);
    return outcome;
}

static void test_run__a_program_with_arguments(void **state)
{
    struct visor_outcome outcome = run(VISOR_HOOK_RUN, "/bin/echo one  'two three'", 10.0);

    (void)state;
    assert_int_equal(outcome.kind, VISOR_OUTCOME_DONE);
    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.text, "one 'two three' ");
}

static void test_run__a_shell_only_where_it_is_asked_for(void **state)
{
    struct visor_outcome outcome =
        run(VISOR_HOOK_SHELL, "echo $TIMEVISOR_EVENT $TIMEVISOR_LEVEL $TIMEVISOR_CAUSE", 10.0);

    (void)state;
    assert_string_equal(outcome.text, "red red stopped ");
    outcome = run(VISOR_HOOK_SHELL, "echo $TIMEVISOR_SIZE_S $TIMEVISOR_ERROR_S; exit 3", 10.0);
    assert_string_equal(outcome.text, "60.250000000 0.001000000 ");
    assert_int_equal(outcome.kind, VISOR_OUTCOME_DONE);
    assert_int_equal(outcome.status, 3);
    outcome = run(VISOR_HOOK_RUN, "/bin/echo $TIMEVISOR_EVENT", 10.0);
    assert_string_equal(outcome.text, "$TIMEVISOR_EVENT ");
}

/* The threads' own signals (32, 33), which no program can set: posix_spawn leaves them ignored in
 * whatever it starts, make's commands for one. */
#define THREADS_SIGNALS UINT64_C(0x180000000)

/* Nothing of ours: no descriptors, no variables, no signals that are ignored. */
static void test_run__its_surroundings_are_clean(void **state)
{
    struct visor_outcome outcome;
    const char *ignored;
    int fd = open("/dev/null", O_RDONLY); /* without CLOEXEC */

    (void)state;
    setenv("SECRET", "1", 1);
    signal(SIGTERM, SIG_IGN);
    outcome = run(VISOR_HOOK_SHELL,
                  "echo ${SECRET-none} $PWD; cd /proc/self/fd && echo *; "
                  "grep SigIgn /proc/self/status | tr -d '\\t'",
                  10.0);
    signal(SIGTERM, SIG_DFL);
    close(fd);
    assert_memory_equal(outcome.text, "none / 0 1 2", 12);
    ignored = strstr(outcome.text, "SigIgn:");
    assert_non_null(ignored);
    assert_int_equal(strtoull(ignored + strlen("SigIgn:"), NULL, 16) & ~THREADS_SIGNALS, 0);
}

static void test_run__one_that_never_ends_is_killed(void **state)
{
    struct visor_outcome outcome =
        run(VISOR_HOOK_SHELL, "trap '' TERM; echo begun; sleep 1000 & sleep 1000", 0.5);

    (void)state;
    assert_int_equal(outcome.kind, VISOR_OUTCOME_LATE);
    assert_string_equal(outcome.text, "begun ");
    assert_true(outcome.seconds >= 0.5);
}

static void test_run__what_it_writes_is_bounded(void **state)
{
    struct visor_outcome outcome = run(VISOR_HOOK_SHELL, "yes | head -c 3000000; echo >&2", 60.0);

    (void)state;
    assert_int_equal(outcome.kind, VISOR_OUTCOME_DONE);
    assert_int_equal(outcome.status, 0);
    assert_int_equal(strlen(outcome.text), VISOR_OUTCOME_TEXT - 1);
}

static void test_run__what_cannot_be_run(void **state)
{
    struct visor_outcome outcome = run(VISOR_HOOK_RUN, "/nonexistent/program", 10.0);
    struct visor_hook_config hook = hook_of(VISOR_HOOK_RUN, "/bin/true", 10.0);
    struct visor_occasion occasion = {0};

    (void)state;
    assert_int_equal(outcome.kind, VISOR_OUTCOME_FAILED);
    assert_int_equal(outcome.status, ENOENT);
    strcpy(hook.user, "nobody-of-that-name");
    visor_hook_run(&hook, &occasion, &outcome);
    assert_int_equal(outcome.kind, VISOR_OUTCOME_FAILED);
    outcome = run(VISOR_HOOK_SHELL, "kill -9 $$", 10.0);
    assert_int_equal(outcome.kind, VISOR_OUTCOME_SIGNALED);
    assert_int_equal(outcome.status, SIGKILL);
}

/* ---- by the helper's process ---- */

struct world {
    char directory[64], file[96];
    struct visor_config *config;
    struct visor_helper *helper;
};

static char state_of(const struct world *world)
{
    int fd = open(world->file, O_RDONLY);
    char state = '?';

    if (read(fd, &state, 1) < 0)
        state = '!';
    close(fd);
    return state;
}

static void put_state(const struct world *world, char state)
{
    int fd = open(world->file, O_WRONLY | O_CREAT, 0600);

    assert_int_equal(write(fd, &state, 1), 1);
    close(fd);
}

static bool becomes(const struct world *world, char state)
{
    for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
        if (state_of(world) == state)
            return true;
        usleep(5000);
    }
    return false;
}

static void make(struct world *world, char before, double limit)
{
    strcpy(world->directory, "/tmp/visor-hold-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->file, sizeof(world->file), "%s/cgroup.freeze", world->directory);
    put_state(world, before);
    world->config = visor_config_new();
    world->config->hooks = calloc(3, sizeof(world->config->hooks[0]));
    world->config->hook_count = 3;
    world->config->hooks[0] = hook_of(VISOR_HOOK_SHELL, "echo done", 10.0);
    world->config->hooks[1] = hook_of(VISOR_HOOK_RUN, "/bin/sleep 1000", 0.3);
    world->config->hooks[2] = hook_of(VISOR_HOOK_RUN, "/bin/sleep 1000", 4.0);
    world->config->holds = calloc(1, sizeof(world->config->holds[0]));
    world->config->hold_count = 1;
    strcpy(world->config->holds[0].cgroup, world->directory);
    world->config->holds[0].limit = limit;
    world->helper = visor_helper_new(VISOR_HELPER_PROCESS, world->config);
    assert_int_equal(visor_helper_carrier(world->helper), VISOR_HELPER_PROCESS);
}

static void end(struct world *world)
{
    visor_helper_free(world->helper);
    visor_config_free(world->config);
    unlink(world->file);
    rmdir(world->directory);
}

static void ask(struct world *world, enum visor_helper_work work, uint32_t query)
{
    struct visor_helper_request request = {.work = work, .query = query};

    assert_int_equal(visor_helper_ask(world->helper, &request), 0);
}

static bool hear(struct world *world, struct visor_helper_reply *reply)
{
    struct pollfd fd = {.fd = visor_helper_fd(world->helper), .events = POLLIN};

    return poll(&fd, 1, PATIENCE_MS) == 1 && visor_helper_next(world->helper, reply);
}

static void test_helper__one_hook_that_never_ends_delays_no_other(void **state)
{
    struct visor_helper_reply reply;
    struct world world;

    (void)state;
    make(&world, '0', 10.0);
    ask(&world, VISOR_HELPER_HOOK, 2);
    ask(&world, VISOR_HELPER_HOOK, 0);
    assert_true(hear(&world, &reply));
    assert_int_equal(reply.work, VISOR_HELPER_HOOK);
    assert_int_equal(reply.query, 0);
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_DONE);
    assert_string_equal(reply.outcome.text, "done ");
    ask(&world, VISOR_HELPER_HOOK, 1);
    assert_true(hear(&world, &reply));
    assert_int_equal(reply.query, 1);
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_LATE);
    ask(&world, VISOR_HELPER_HOOK, 99); /* there is none: no answer, no harm */
    for (int i = 0; i < 8; i++)
        ask(&world, VISOR_HELPER_HOOK, 2);
    assert_true(hear(&world, &reply)); /* seven began */
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_BUSY);
    end(&world);
}

static void test_helper__holds_until_it_is_released(void **state)
{
    struct visor_helper_reply reply;
    struct world world;

    (void)state;
    make(&world, '0', 1000.0);
    ask(&world, VISOR_HELPER_HOLD, 0);
    assert_true(becomes(&world, '1'));
    ask(&world, VISOR_HELPER_HOLD, 0); /* it is held already */
    ask(&world, VISOR_HELPER_HOOK, 2); /* whose process must not keep it so */
    ask(&world, VISOR_HELPER_RELEASE, 0);
    assert_true(hear(&world, &reply));
    assert_int_equal(reply.work, VISOR_HELPER_HOLD);
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_DONE);
    assert_int_equal(state_of(&world), '0');
    ask(&world, VISOR_HELPER_HOLD, 0); /* and again */
    assert_true(becomes(&world, '1'));
    end(&world);
}

static void test_helper__a_hold_has_a_limit(void **state)
{
    struct visor_helper_reply reply;
    struct world world;

    (void)state;
    make(&world, '0', 0.2);
    ask(&world, VISOR_HELPER_HOLD, 0);
    assert_true(hear(&world, &reply));
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_LATE);
    assert_true(reply.outcome.seconds >= 0.2);
    assert_int_equal(state_of(&world), '0');
    end(&world);
}

static void test_helper__a_group_that_is_not_there(void **state)
{
    struct visor_helper_reply reply;
    struct world world;

    (void)state;
    make(&world, '0', 10.0);
    unlink(world.file);
    ask(&world, VISOR_HELPER_HOLD, 0);
    assert_true(hear(&world, &reply));
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_FAILED);
    assert_int_equal(reply.outcome.status, ENOENT);
    end(&world);
}

static void test_helper__killed_it_leaves_nothing_frozen(void **state)
{
    struct visor_helper_request request = {.work = VISOR_HELPER_HOOK};
    struct visor_helper_reply reply;
    struct world world;

    (void)state;
    make(&world, '0', 1000.0);
    ask(&world, VISOR_HELPER_HOLD, 0);
    ask(&world, VISOR_HELPER_HOOK, 2);
    assert_true(becomes(&world, '1'));
    assert_int_equal(kill(visor_helper_process(world.helper), SIGKILL), 0);
    assert_true(becomes(&world, '0'));
    while (visor_helper_carrier(world.helper) == VISOR_HELPER_PROCESS) {
        (void)visor_helper_ask(world.helper, &request); /* until the death is noticed */
        usleep(1000);
    }
    assert_true(visor_helper_next(world.helper, &reply));
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_NOBODY);
    end(&world);
}

/* A daemon, killed: its helper is told by the end of its socket. The daemon is a child, which is to
 * be the only one with a helper: another would release at its start what this one has frozen. */
static void test_helper__the_daemon_is_killed(void **state)
{
    struct world world;
    pid_t daemon;

    (void)state;
    make(&world, '0', 1000.0);
    visor_helper_free(world.helper);
    world.helper = NULL;
    daemon = fork();
    if (daemon == 0) {
        prctl(PR_SET_PDEATHSIG,
              SIGKILL); /* should the test fail, which would wait for its output */
        world.helper = visor_helper_new(VISOR_HELPER_PROCESS, world.config);
        ask(&world, VISOR_HELPER_HOLD, 0);
        pause();
        _exit(0);
    }
    assert_true(becomes(&world, '1'));
    assert_int_equal(kill(daemon, SIGKILL), 0);
    waitpid(daemon, NULL, 0);
    assert_true(becomes(&world, '0'));
    end(&world);
}

static void test_helper__releases_what_was_left_frozen(void **state)
{
    struct visor_helper_reply reply;
    struct world world;

    (void)state;
    make(&world, '1', 10.0);
    assert_true(hear(&world, &reply));
    assert_int_equal(reply.work, VISOR_HELPER_HOLD);
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_LEFT);
    assert_int_equal(state_of(&world), '0');
    end(&world);
}

static void test_helper__ignores_what_ends_the_daemon(void **state)
{
    struct visor_helper_reply reply;
    struct world world;

    (void)state;
    make(&world, '0', 1000.0);
    ask(&world, VISOR_HELPER_HOLD, 0);
    assert_true(becomes(&world, '1'));
    assert_int_equal(kill(visor_helper_process(world.helper), SIGTERM), 0);
    ask(&world, VISOR_HELPER_RELEASE, 0);
    assert_true(hear(&world, &reply));
    assert_int_equal(reply.outcome.kind, VISOR_OUTCOME_DONE);
    end(&world);
}

/* ---- a real control group ---- */

struct group {
    char mount[64], path[128];
};

/* In a mount namespace of our own, which needs root and a kernel with cgroup v2. */
static bool make_group(struct group *group)
{
    strcpy(group->mount, "/tmp/visor-cgroup-XXXXXX");
    if (geteuid() != 0 || unshare(CLONE_NEWNS) || mount(NULL, "/", "", MS_REC | MS_PRIVATE, NULL))
        return false;
    assert_non_null(mkdtemp(group->mount));
    snprintf(group->path, sizeof(group->path), "%s/visor-test-%d", group->mount, (int)getpid());
    if (!mount("none", group->mount, "cgroup2", 0, NULL) && !mkdir(group->path, 0755))
        return true;
    rmdir(group->mount);
    return false;
}

static void remove_group(const struct group *group)
{
    rmdir(group->path);
    umount(group->mount);
    rmdir(group->mount);
}

static void enter(const struct group *group)
{
    char path[160];
    int fd;

    snprintf(path, sizeof(path), "%s/cgroup.procs", group->path);
    fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1)
        _exit(1);
    close(fd);
}

static bool says_frozen(const struct group *group, const char *wanted)
{
    char path[160], text[128];

    snprintf(path, sizeof(path), "%s/cgroup.events", group->path);
    for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
        int fd = open(path, O_RDONLY);
        ssize_t size = read(fd, text, sizeof(text) - 1);

        close(fd);
        text[size > 0 ? size : 0] = '\0';
        if (strstr(text, wanted))
            return true;
        usleep(5000);
    }
    return false;
}

/* Counts on a pipe until it is frozen. */
static void work(const struct group *group, int fd)
{
    enter(group);
    for (;;) {
        if (write(fd, "x", 1) != 1)
            _exit(0);
        usleep(1000);
    }
}

static void drain(int fd)
{
    char text[4096];

    while (read(fd, text, sizeof(text)) > 0)
        continue;
}

static void test_keep__a_real_group_stands_still_and_goes_on(void **state)
{
    struct visor_helper *helper;
    struct visor_helper_request request = {.work = VISOR_HELPER_HOLD};
    struct pollfd pipe_end = {.events = POLLIN};
    struct group group;
    struct world world;
    int ends[2];
    pid_t worker;

    (void)state;
    if (!make_group(&group)) {
        skip();
        return;
    }
    make(&world, '0', 1000.0);
    strcpy(world.config->holds[0].cgroup, group.path);
    helper = visor_helper_new(VISOR_HELPER_PROCESS, world.config);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    worker = fork();
    if (worker == 0)
        work(&group, ends[1]);
    pipe_end.fd = ends[0];
    assert_int_equal(poll(&pipe_end, 1, PATIENCE_MS), 1);
    assert_int_equal(visor_helper_ask(helper, &request), 0);
    assert_true(says_frozen(&group, "frozen 1"));
    drain(ends[0]);
    assert_int_equal(poll(&pipe_end, 1, 200), 0); /* it stands still */
    assert_int_equal(kill(visor_helper_process(helper), SIGKILL), 0);
    assert_true(says_frozen(&group, "frozen 0"));
    assert_int_equal(poll(&pipe_end, 1, PATIENCE_MS), 1); /* it goes on */
    kill(worker, SIGKILL);
    waitpid(worker, NULL, 0);
    assert_true(says_frozen(&group, "populated 0"));
    visor_helper_free(helper);
    end(&world);
    remove_group(&group);
}

static void test_keep__nobody_freezes_himself(void **state)
{
    struct visor_hold_config hold = {.limit = 1000.0};
    struct visor_outcome outcome;
    struct group group;
    int status = 0;
    pid_t child;

    (void)state;
    if (!make_group(&group)) {
        skip();
        return;
    }
    strcpy(hold.cgroup, group.path);
    assert_false(visor_hold_has_us(group.path));
    child = fork();
    if (child == 0) {
        enter(&group);
        visor_hold_keep(&hold, -1, -1, &outcome);
        _exit(outcome.kind == VISOR_OUTCOME_FAILED && outcome.status == EDEADLK ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(says_frozen(&group, "frozen 0"));
    remove_group(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__a_program_with_arguments),
        cmocka_unit_test(test_run__a_shell_only_where_it_is_asked_for),
        cmocka_unit_test(test_run__its_surroundings_are_clean),
        cmocka_unit_test(test_run__one_that_never_ends_is_killed),
        cmocka_unit_test(test_run__what_it_writes_is_bounded),
        cmocka_unit_test(test_run__what_cannot_be_run),
        cmocka_unit_test(test_helper__one_hook_that_never_ends_delays_no_other),
        cmocka_unit_test(test_helper__holds_until_it_is_released),
        cmocka_unit_test(test_helper__a_hold_has_a_limit),
        cmocka_unit_test(test_helper__a_group_that_is_not_there),
        cmocka_unit_test(test_helper__killed_it_leaves_nothing_frozen),
        cmocka_unit_test(test_helper__the_daemon_is_killed),
        cmocka_unit_test(test_helper__releases_what_was_left_frozen),
        cmocka_unit_test(test_helper__ignores_what_ends_the_daemon),
        cmocka_unit_test(test_keep__a_real_group_stands_still_and_goes_on),
        cmocka_unit_test(test_keep__nobody_freezes_himself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
