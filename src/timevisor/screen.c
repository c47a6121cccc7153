/* ANSI escapes and termios; needs no terminal library. Signals only set flags. */
#include "timevisor/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define ENTER "\033[?1049h\033[?25l" /* alternate screen, no cursor */
#define LEAVE "\033[?25h\033[?1049l"

/* The only mutable variables at file scope: what signal handlers may touch. */
static volatile sig_atomic_t ended;

struct visor_screen {
    bool keys; /* stdin is a terminal, and `saved` how it was */
    struct termios saved;
    int width, height;
    char *text; /* as last painted */
    int first;  /* line of it at the top of the window */
};

static void note_end(int signal)
{
    (void)signal;
    ended = 1;
}

/* A changed window only has to interrupt poll(). */
static void note_change(int signal)
{
    (void)signal;
}

static void take_signals(void)
{
    struct sigaction end = {.sa_handler = note_end}, change = {.sa_handler = note_change};

    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    sigaction(SIGWINCH, &change, NULL);
}

static void measure(struct visor_screen *screen)
{
    struct winsize size;

    screen->width = 80;
    screen->height = 24;
    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
        screen->width = size.ws_col;
        screen->height = size.ws_row;
    }
}

struct visor_screen *visor_screen_new(void)
{
    struct visor_screen *screen;
    struct termios raw;

    if (!isatty(STDOUT_FILENO))
        return NULL;
    screen = calloc(1, sizeof(*screen));
    if (!screen)
        return NULL;
    take_signals();
    if (isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &screen->saved)) {
        screen->keys = true;
        raw = screen->saved;
        raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    measure(screen);
    fputs(ENTER, stdout);
    fflush(stdout);
    return screen;
}

void visor_screen_free(struct visor_screen *screen)
{
    if (!screen)
        return;
    fputs(LEAVE, stdout);
    fflush(stdout);
    if (screen->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->saved);
    free(screen->text);
    free(screen);
}

int visor_screen_width(const struct visor_screen *screen)
{
    return screen->width;
}

/* Length of an escape sequence "ESC [ … letter" at `text`; 0: there is none. */
static size_t escape_length(const char *text, size_t length)
{
    size_t i = 2;

    if (length < 3 || text[0] != '\033' || text[1] != '[')
        return 0;
    while (i < length && ((text[i] >= '0' && text[i] <= '9') || text[i] == ';'))
        i++;
    return i < length ? i + 1 : length;
}

size_t visor_screen_clip(const char *line, size_t length, int width)
{
    mbstate_t state = {0};
    size_t at = 0;

    while (at < length) {
        size_t escape = escape_length(line + at, length - at), bytes;
        wchar_t wide;
        int cells;

        if (escape) {
            at += escape;
            continue;
        }
        bytes = mbrtowc(&wide, line + at, length - at, &state);
        if (bytes == (size_t)-1 || bytes == (size_t)-2 || bytes == 0) {
            memset(&state, 0, sizeof(state));
            bytes = 1;
            cells = 1;
        } else {
            cells = wcwidth(wide) > 0 ? wcwidth(wide) : 0;
        }
        if (cells > width)
            break;
        width -= cells;
        at += bytes;
    }
    return at;
}

size_t visor_screen_fold(const char *text, int width)
{
    size_t length = strlen(text), most = visor_screen_clip(text, length, width), end = most;

    if (most == length)
        return length;
    while (end > 0 && text[end] > ' ' && text[end - 1] > ' ')
        end--; /* inside a word of ASCII; Chinese breaks anywhere */
    while (end > 0 && text[end - 1] == ' ')
        end--;
    return end > 0 ? end : most > 0 ? most : length;
}

/* The text from line `first` on, which is moved so that the window is filled. */
static void show(struct visor_screen *screen)
{
    const char *text = screen->text;
    int line = 0, lines = 0;

    for (const char *at = text; *at; at++)
        lines += *at == '\n' || !at[1];
    if (screen->first > lines - screen->height)
        screen->first = lines - screen->height;
    if (screen->first < 0)
        screen->first = 0;
    for (int i = 0; i < screen->first; i++)
        text = strchr(text, '\n') + 1;
    fputs("\033[H", stdout);
    while (*text && line < screen->height) {
        size_t length = strcspn(text, "\n");
        size_t shown = visor_screen_clip(text, length, screen->width);

        if (line++)
            fputs("\r\n", stdout);
        fwrite(text, 1, shown, stdout);
        fputs("\033[0m\033[K", stdout);
        text += length + (text[length] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

void visor_screen_paint(struct visor_screen *screen, const char *text)
{
    free(screen->text);
    screen->text = strdup(text);
    measure(screen);
    if (screen->text)
        show(screen);
}

static struct timespec span_of(double seconds)
{
    double whole = (double)(time_t)seconds;

    return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - whole) * 1e9)};
}

/* Keys that have come: moves the window by the arrows, j and k; does one of them mean "leave"? */
static bool wants_to_leave(struct visor_screen *screen)
{
    char keys[32];
    ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));

    if (got < 0)
        return errno != EAGAIN && errno != EINTR;
    for (ssize_t i = 0; i < got; i++) {
        if (keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 3 || keys[i] == 4)
            return true;
        if (keys[i] == 'j' || keys[i] == 'B') /* an arrow is ESC [ B */
            screen->first++;
        else if (keys[i] == 'k' || keys[i] == 'A')
            screen->first--;
    }
    if (screen->text)
        show(screen);
    return got == 0;
}

bool visor_screen_wait(struct visor_screen *screen, double seconds)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    int ready;

    do {
        if (ended)
            return false;
        ready = poll(&keys, screen->keys ? 1 : 0, (int)(seconds * 1e3));
        if (ready > 0 && wants_to_leave(screen))
            return false;
    } while (ready > 0);
    if (ended)
        return false;
    measure(screen);
    return true;
}

bool visor_screen_rest(double seconds)
{
    struct timespec span = span_of(seconds);

    take_signals();
    if (!ended)
        nanosleep(&span, NULL);
    return !ended;
}
