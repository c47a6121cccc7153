#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "port/control.h"
#include "port/inquiry.h"

#include <errno.h>

static char folder[32], path[64];

struct asked {
    pthread_t thread;
    struct visor_control_request request;
    struct visor_inquiry_answer answer;
    int error;
};

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/visor-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    chmod(folder, 0755);
    snprintf(path, sizeof(path), "%s/run/control.sock", folder);
    return 0;
}

static int teardown(void **state)
{
    char run[64];

    (void)state;
    snprintf(run, sizeof(run), "%s/run", folder);
    rmdir(run);
    return rmdir(folder);
}

static void *ask(void *context)
{
    struct asked *asked = context;

    asked->error = visor_inquiry_ask(path, &asked->request, 5000, &asked->answer);
    return NULL;
}

static void turn(struct visor_control *control)
{
    struct pollfd fds[VISOR_CONTROL_FDS];
    size_t count = visor_control_fds(control, fds, VISOR_CONTROL_FDS);

    assert_true(poll(fds, count, 5000) > 0);
    visor_control_handle(control, fds, count);
}

static void test_reply__reaches_who_asked_even_if_long(void **state)
{
    static char body[3000001]; /* longer than a socket buffer */
    struct asked asked = {.request = {.verb = VISOR_CONTROL_STATUS, .argument = "a"}};
    struct visor_control_call call;
    struct visor_control *control;
    struct stat mode;

    (void)state;
    memset(body, 'x', sizeof(body) - 1);
    assert_int_equal(visor_control_new(path, 12345, &control), 0);
    assert_int_equal(stat(path, &mode), 0);
    assert_int_equal(mode.st_mode & 0777, 0666);
    pthread_create(&asked.thread, NULL, ask, &asked);
    while (!visor_control_next(control, &call))
        turn(control);
    assert_int_equal(call.request.verb, VISOR_CONTROL_STATUS);
    assert_string_equal(call.request.argument, "a");
    assert_false(visor_control_next(control, &call));
    visor_control_reply(control, call.token, VISOR_CONTROL_OK, body);
    for (struct pollfd fds[VISOR_CONTROL_FDS]; visor_control_fds(control, fds, 99) > 1;)
        turn(control);
    pthread_join(asked.thread, NULL);
    assert_int_equal(asked.error, 0);
    assert_int_equal(asked.answer.size, sizeof(body) - 1);
    assert_memory_equal(asked.answer.json, body, sizeof(body));
    free(asked.answer.json);
    visor_control_free(control);
    assert_int_equal(access(path, F_OK), -1);
}

static int connected(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void test_handle__closes_the_idlest_when_full_and_who_talks_nonsense(void **state)
{
    int fds[VISOR_CONTROL_CLIENTS + 1];
    struct visor_control *control;
    struct pollfd poll_fds[VISOR_CONTROL_FDS];
    char byte;

    (void)state;
    assert_int_equal(visor_control_new(path, 12345, &control), 0);
    for (int i = 0; i <= VISOR_CONTROL_CLIENTS; i++) {
        fds[i] = connected();
        turn(control);
    }
    assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
    assert_int_equal(recv(fds[1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(send(fds[1], "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
    turn(control);
    errno = 0;
    assert_true(recv(fds[1], &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
    assert_int_equal(visor_control_fds(control, poll_fds, 99), VISOR_CONTROL_CLIENTS);
    for (int i = 0; i <= VISOR_CONTROL_CLIENTS; i++)
        close(fds[i]);
    visor_control_free(control);
}

static void test_new__refuses_a_living_daemons_socket_and_replaces_a_dead_ones(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct visor_control *first, *second;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(visor_control_new(path, 0, &first), 0);
    assert_int_equal(visor_control_new(path, 0, &second), -EADDRINUSE);
    assert_null(second);
    visor_control_free(first);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd); /* its file stays */
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(visor_control_new(path, 0, &first), 0);
    visor_control_free(first);
}

/* A process of another user than root and the socket's owner asks; what was it told? */
static int result_for_stranger(struct visor_control *control, enum visor_control_verb verb)
{
    struct visor_control_request request = {.verb = verb};
    struct visor_control_call call;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child) {
        struct visor_inquiry_answer answer;

        if (!geteuid() && setuid(65534))
            _exit(100);
        _exit(visor_inquiry_ask(path, &request, 5000, &answer) ? 101 : (int)answer.result);
    }
    while (!waitpid(child, &status, WNOHANG)) {
        struct pollfd fds[VISOR_CONTROL_FDS];
        size_t count = visor_control_fds(control, fds, VISOR_CONTROL_FDS);

        if (poll(fds, count, 10) > 0)
            visor_control_handle(control, fds, count);
        if (visor_control_next(control, &call))
            visor_control_reply(control, call.token, VISOR_CONTROL_OK, "{}");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_handle__lets_everyone_read_and_few_write(void **state)
{
    struct visor_control *control;

    (void)state;
    assert_int_equal(visor_control_new(path, 12345, &control), 0);
    assert_int_equal(result_for_stranger(control, VISOR_CONTROL_STATUS), VISOR_CONTROL_OK);
    assert_int_equal(result_for_stranger(control, VISOR_CONTROL_MAKESTEP), VISOR_CONTROL_REFUSED);
    visor_control_free(control);
    assert_int_equal(visor_control_new(path, geteuid() ? geteuid() : 65534, &control), 0);
    assert_int_equal(result_for_stranger(control, VISOR_CONTROL_MAKESTEP), VISOR_CONTROL_OK);
    visor_control_free(control);
}

static void test_ask__says_why_there_is_no_answer(void **state)
{
    struct visor_control_request request = {.verb = VISOR_CONTROL_STATUS};
    struct visor_inquiry_answer answer;
    struct visor_control *control;

    (void)state;
    assert_int_equal(visor_inquiry_ask(path, &request, 50, &answer), -ENOENT);
    assert_int_equal(visor_control_new(path, 0, &control), 0);
    assert_int_equal(visor_inquiry_ask(path, &request, 50, &answer), -ETIMEDOUT);
    visor_control_free(control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply__reaches_who_asked_even_if_long),
        cmocka_unit_test(test_handle__closes_the_idlest_when_full_and_who_talks_nonsense),
        cmocka_unit_test(test_new__refuses_a_living_daemons_socket_and_replaces_a_dead_ones),
        cmocka_unit_test(test_handle__lets_everyone_read_and_few_write),
        cmocka_unit_test(test_ask__says_why_there_is_no_answer),
    };

    return cmocka_run_group_tests_name("control_socket", tests, setup, teardown);
}
