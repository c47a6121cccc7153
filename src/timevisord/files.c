/* The drift file. Its format is config/drift.h's, safe replacement port/file.h's. */
#include "timevisord/daemon.h"

#include "config/drift.h"
#include "port/file.h"

#include <stdlib.h>
#include <string.h>

bool visor_daemon_read_drift(const char *path, struct visor_drift *drift)
{
    char *text;
    size_t size;
    bool read;

    if (!path[0] || visor_file_read(path, VISOR_DRIFT_TEXT, &text, &size))
        return false;
    read = visor_drift_read(text, size, drift);
    free(text);
    return read;
}

int visor_daemon_write_drift(const char *path, const struct visor_drift *drift)
{
    char text[VISOR_DRIFT_TEXT];

    visor_drift_write(drift, text);
    return visor_file_replace(path, text, strlen(text), 0644);
}
