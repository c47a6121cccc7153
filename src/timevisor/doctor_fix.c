/* Mends what can be mended by lines: shows the difference first, keeps the old file beside it. */
#include "timevisor/doctor.h"

#include "port/text.h"
#include "port/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first edit of a line; NULL if there is none. */
static const struct visor_finding *edit_of(const struct visor_findings *findings, uint32_t line)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct visor_finding *finding = &findings->items[i];

        if ((finding->edit == VISOR_EDIT_REPLACE || finding->edit == VISOR_EDIT_DELETE) &&
            finding->line == line)
            return finding;
    }
    return NULL;
}

/* Writes the mended text to `out`, the difference to `shown`; returns the number of changes. */
static int mend(const struct visor_doctor_line *file, const char *text, FILE *out, FILE *shown)
{
    char line[4096];
    uint32_t number = 0;
    int changes = 0;

    for (const char *rest = text; (rest = visor_tree_next_line(rest, line, sizeof(line)));) {
        const struct visor_finding *finding = edit_of(&file->findings, ++number);

        if (!finding) {
            fprintf(out, "%s\n", line);
            continue;
        }
        changes++;
        fprintf(shown, "-%s\n", line);
        if (finding->edit == VISOR_EDIT_REPLACE) {
            fprintf(out, "%s\n", finding->text);
            fprintf(shown, "+%s\n", finding->text);
        }
    }
    for (size_t i = 0; i < file->findings.count; i++)
        if (file->findings.items[i].edit == VISOR_EDIT_APPEND) {
            changes++;
            fprintf(out, "%s\n", file->findings.items[i].text);
            fprintf(shown, "+%s\n", file->findings.items[i].text);
        }
    return changes;
}

static bool agreed(bool yes, const char *path)
{
    char answer[16] = "";

    if (yes)
        return true;
    printf(_("Change %s so? [y/N] "), path);
    fflush(stdout);
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* The new file takes the old one's place at once, with its rights; the old one stays as
 * NAME.before. */
static int replace(const char *path, const char *text)
{
    char fresh[VISOR_TREE_PATH_MAX], kept[VISOR_TREE_PATH_MAX];
    struct stat status;
    FILE *out;
    int failed;

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh) ||
        snprintf(kept, sizeof(kept), "%s.before", path) >= (int)sizeof(kept))
        return -ENAMETOOLONG;
    if (stat(path, &status) || !(out = fopen(fresh, "wx")))
        return -errno;
    fputs(text, out);
    failed = fchmod(fileno(out), status.st_mode & 07777) ||
             (fchown(fileno(out), status.st_uid, status.st_gid) && geteuid() == 0) || fflush(out) ||
             fsync(fileno(out));
    failed = fclose(out) || failed;
    unlink(kept);
    if (failed || link(path, kept) || rename(fresh, path)) {
        int error = errno;

        unlink(fresh);
        return -error;
    }
    return 0;
}

static int fix_file(const struct visor_doctor *doctor, const struct visor_doctor_line *file,
                    bool yes)
{
    char *text = malloc(VISOR_TREE_FILE_MAX), *mended = NULL, *shown = NULL;
    char full[VISOR_TREE_PATH_MAX];
    size_t mended_size = 0, shown_size = 0;
    FILE *out = open_memstream(&mended, &mended_size),
         *difference = open_memstream(&shown, &shown_size);
    int size =
        text ? visor_tree_read(doctor->root, file->path, text, VISOR_TREE_FILE_MAX) : -ENOMEM;
    int changes = size > 0 && out && difference ? mend(file, text, out, difference) : 0, result = 0;

    if (out)
        fclose(out);
    if (difference)
        fclose(difference);
    snprintf(full, sizeof(full), "%s%s", doctor->root, file->path);
    if (changes && size < VISOR_TREE_FILE_MAX - 1) {
        printf("\n--- %s\n+++ %s\n%s", full, full, shown);
        if (agreed(yes, full))
            result = replace(full, mended);
        if (result < 0)
            fprintf(stderr, _("timevisor: %s cannot be changed: %s\n"), full, strerror(-result));
    }
    free(text);
    free(mended);
    free(shown);
    return result < 0;
}

int visor_doctor_fix(const struct visor_doctor *doctor, bool yes)
{
    int failed = 0;

    for (size_t i = 0; i < doctor->count; i++)
        if (*doctor->lines[i].path && strncmp(doctor->lines[i].path, "/proc/", 6) != 0)
            failed += fix_file(doctor, &doctor->lines[i], yes);
    return failed;
}
