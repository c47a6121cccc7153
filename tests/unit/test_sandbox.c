/* The system call filter, in children that it may kill. */
#include "port/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void read_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    (void)!write(-1, &now, sizeof(now));
    close(socket(AF_INET, SOCK_DGRAM, 0));
}

static void run_program(void)
{
    char *const arguments[] = {(char *)"true", NULL};

    execv("/bin/true", arguments);
}

static void open_packet_socket(void)
{
    close(socket(AF_PACKET, SOCK_RAW, 0));
}

static void change_itself(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

/* The signal that ended the child, 0: it came through, -1: no filter here. */
static int signal_of(int level, void (*act)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSYS, SIG_DFL); /* the test library has its own ideas */
        if (visor_sandbox_enter(level))
            _exit(77);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status);
    return WEXITSTATUS(status) == 77 ? -1 : 0;
}

static void check(int level, void (*act)(void), int expected)
{
    int signal = signal_of(level, act);

    if (signal == -1)
        skip(); /* this kernel has no filters */
    assert_int_equal(signal, expected);
}

static void test_strict__what_the_daemon_does_passes(void **state)
{
    (void)state;
#ifndef __SANITIZE_ADDRESS__ /* whose runtime makes system calls of its own */
    check(1, read_clock, 0);
#endif
}

static void test_strict__everything_else_ends_it(void **state)
{
    (void)state;
    check(1, run_program, SIGSYS);
    check(1, open_packet_socket, SIGSYS);
    check(1, change_itself, SIGSYS);
    check(-1, run_program, SIGSYS);
}

static void test_loose__other_programs_end_it(void **state)
{
    (void)state;
    check(2, read_clock, 0);
    check(2, open_packet_socket, 0);
    check(2, change_itself, 0);
    check(2, run_program, SIGSYS);
}

static void test_level__zero_is_none_and_others_are_refused(void **state)
{
    (void)state;
    assert_int_equal(signal_of(0, open_packet_socket), 0);
    assert_int_equal(visor_sandbox_enter(3), -EINVAL);
    assert_int_equal(visor_sandbox_enter(-3), -EINVAL);
}

static void test_compile__the_program_fits_and_its_jumps_stay_inside(void **state)
{
    struct sock_filter program[VISOR_SANDBOX_LENGTH_MAX];

    (void)state;
    for (int level = -2; level <= 2; level++) {
        size_t length = visor_sandbox_compile(level, program);

        assert_true(length > 10 && length <= VISOR_SANDBOX_LENGTH_MAX);
        assert_int_equal(BPF_CLASS(program[length - 1].code), BPF_RET);
        for (size_t i = 0; i < length; i++)
            if (BPF_CLASS(program[i].code) == BPF_JMP)
                assert_true(i + 1 + program[i].jt < length && i + 1 + program[i].jf < length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strict__what_the_daemon_does_passes),
        cmocka_unit_test(test_strict__everything_else_ends_it),
        cmocka_unit_test(test_loose__other_programs_end_it),
        cmocka_unit_test(test_level__zero_is_none_and_others_are_refused),
        cmocka_unit_test(test_compile__the_program_fits_and_its_jumps_stay_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
