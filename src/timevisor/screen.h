/* A terminal as a picture that is painted again and again: alternate screen, no echo, clipped to
 * the window's size, and left as it was found whatever ends the program. */
#ifndef VISOR_TIMEVISOR_SCREEN_H
#define VISOR_TIMEVISOR_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct visor_screen;

/* Takes the terminal of stdout (and of stdin, if it is one). NULL: stdout is none. */
struct visor_screen *visor_screen_new(void);
void visor_screen_free(struct visor_screen *screen); /* gives it back; NULL allowed */

int visor_screen_width(const struct visor_screen *screen); /* cells; as of the last paint or wait */

/* Shows lines of text with color escapes; what is too long for the window is cut off, what is too
 * much can be reached with the arrow keys. */
void visor_screen_paint(struct visor_screen *screen, const char *text);

/* Waits at most so long. False: the user wants to leave (q, Ctrl-C, SIGTERM, end of input). Returns
 * early when the window's size changes. */
bool visor_screen_wait(struct visor_screen *screen, double seconds);

/* Bytes of a line's beginning that fill at most `width` cells, escapes not counted. */
size_t visor_screen_clip(const char *line, size_t length, int width);

/* Bytes of a text's beginning for one line of `width` cells: whole words, where it has spaces. */
size_t visor_screen_fold(const char *text, int width);

/* Without a terminal: rest, and false once a signal wants the end. Installs the handlers. */
bool visor_screen_rest(double seconds);

#endif
