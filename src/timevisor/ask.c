/* One question to the daemon, and what to say when it is not answered. */
#include "timevisor/ask.h"

#include "port/control.h"
#include "port/inquiry.h"
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/field.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_S 3.0

static bool absent(int error)
{
    return error == -ENOENT || error == -ECONNREFUSED;
}

/* The daemon that keeps the clock, or else one that observes it. */
static int ask_somebody(const char **path, const struct visor_control_request *request,
                        int patience_ms, struct visor_inquiry_answer *answer)
{
    int error;

    if (!*path)
        *path = getenv("TIMEVISOR_SOCKET");
    if (*path && **path)
        return visor_inquiry_ask(*path, request, patience_ms, answer);
    *path = VISOR_CONTROL_PATH;
    error = visor_inquiry_ask(*path, request, patience_ms, answer);
    if (absent(error) &&
        !visor_inquiry_ask(VISOR_CONTROL_OBSERVE_PATH, request, patience_ms, answer))
        error = 0;
    return error;
}

static int say_unreachable(const char *path, int error)
{
    if (absent(error))
        fprintf(stderr,
                _("timevisor: no daemon answers at %s. Is it running? (systemctl status "
                  "timevisord)\n"),
                path);
    else
        fprintf(stderr, _("timevisor: the daemon at %s does not answer: %s\n"), path,
                strerror(-error));
    return VISOR_CLI_UNREACHABLE;
}

static int say_refused(enum visor_control_result result, const char *reason)
{
    const char *text = _("the daemon could not do it");

    switch (result) {
    case VISOR_CONTROL_REFUSED:
        text = _("only root and the daemon's own user may do that");
        break;
    case VISOR_CONTROL_UNKNOWN:
        text = _("the daemon does not know that question");
        break;
    case VISOR_CONTROL_VERSION_DIFFERS:
        text = _("timevisor and the daemon are of different versions");
        break;
    case VISOR_CONTROL_BAD:
        text = _("there is no such source");
        break;
    default:
        break;
    }
    fprintf(stderr, "timevisor: %s%s%s\n", text, *reason ? ": " : "", reason);
    return VISOR_CLI_REFUSED;
}

int visor_ask(const char *socket, enum visor_control_verb verb, const char *argument, bool quiet,
              json_t **answer)
{
    return visor_ask_within(PATIENCE_S, socket, verb, argument, quiet, answer);
}

int visor_ask_within(double patience_s, const char *socket, enum visor_control_verb verb,
                     const char *argument, bool quiet, json_t **answer)
{
    struct visor_control_request request = {.verb = verb};
    struct visor_inquiry_answer got;
    int status = VISOR_CLI_YES, error;

    *answer = NULL;
    snprintf(request.argument, sizeof(request.argument), "%s", argument);
    patience_s = patience_s < PATIENCE_S ? patience_s : PATIENCE_S;
    error = ask_somebody(&socket, &request, (int)(patience_s * 1e3), &got);
    if (error)
        return quiet ? VISOR_CLI_UNREACHABLE : say_unreachable(socket, error);
    *answer = json_loadb(got.json, got.size, JSON_REJECT_DUPLICATES, NULL);
    if (got.result != VISOR_CONTROL_OK)
        status = quiet ? VISOR_CLI_REFUSED
                       : say_refused(got.result, visor_field_text(*answer, "reason"));
    else if (!*answer && got.size)
        status = quiet ? VISOR_CLI_UNREACHABLE : say_unreachable(socket, -EPROTO);
    free(got.json);
    if (status != VISOR_CLI_YES) {
        json_decref(*answer);
        *answer = NULL;
    }
    return status;
}

void visor_ask_print(const json_t *answer)
{
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
}
