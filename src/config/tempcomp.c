/* `tempcomp`: its two forms, and the file of points. What is made of a temperature is the
 * engine's part. */
#include "config/fields.h"
#include "config/tables.h"

#include <stdlib.h>
#include <string.h>

void visor_directive_tempcomp(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    struct visor_config new = {.port = 0};
    bool points = visor_words_left(&parser->words) == 3;

    if (!visor_parser_text(parser, "FILE INTERVAL POINTS-FILE or FILE INTERVAL T0 K0 K1 K2",
                           new.tempcomp_file, sizeof(new.tempcomp_file)) ||
        !visor_parser_real(parser, "INTERVAL", &new.tempcomp_interval))
        return;
    if (points ? !visor_parser_text(parser, "POINTS-FILE", new.tempcomp_points_file,
                                    sizeof(new.tempcomp_points_file))
               : !visor_parser_real(parser, "T0 K0 K1 K2", &new.tempcomp_t0) ||
                     !visor_parser_real(parser, "K0 K1 K2", &new.tempcomp_k0) ||
                     !visor_parser_real(parser, "K1 K2", &new.tempcomp_k1) ||
                     !visor_parser_real(parser, "K2", &new.tempcomp_k2))
        return;
    memcpy(config->tempcomp_file, new.tempcomp_file, sizeof(new.tempcomp_file));
    memcpy(config->tempcomp_points_file, new.tempcomp_points_file,
           sizeof(new.tempcomp_points_file));
    config->tempcomp_interval = new.tempcomp_interval;
    config->tempcomp_t0 = new.tempcomp_t0;
    config->tempcomp_k0 = new.tempcomp_k0;
    config->tempcomp_k1 = new.tempcomp_k1;
    config->tempcomp_k2 = new.tempcomp_k2;
}

void visor_directive_tempcomppoint(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    struct visor_tempcomp_point point, *new;

    if (!visor_parser_real(parser, "TEMPERATURE PPM", &point.temperature) ||
        !visor_parser_real(parser, "PPM", &point.compensation_ppm))
        return;
    new = visor_parser_append(parser, (void **)&config->tempcomp_points,
                              &config->tempcomp_point_count, sizeof(*new), VISOR_CONFIG_POINTS_MAX);
    if (new)
        *new = point;
}

/* Chronyd searches the points in order: bring them into one. False: two of one temperature. */
static bool sort_points(struct visor_tempcomp_point *points, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct visor_tempcomp_point point = points[i];
        size_t at = i;

        for (; at > 0 && points[at - 1].temperature > point.temperature; at--)
            points[at] = points[at - 1];
        points[at] = point;
    }
    for (size_t i = 1; i < count; i++)
        if (!(points[i].temperature > points[i - 1].temperature))
            return false;
    return true;
}

static const char *read_points(const char *text, size_t size, struct visor_config *config)
{
    struct visor_fields fields = visor_fields_over(text, size);
    size_t lines = 0;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n' || i == size - 1;
    if (lines < 2)
        return N_("'%1' has not the two points that 'tempcomp' needs");
    if (lines > VISOR_CONFIG_POINTS_MAX)
        return N_("'%1' has more than 4096 points");
    config->tempcomp_points = calloc(lines, sizeof(*config->tempcomp_points));
    if (!config->tempcomp_points)
        return N_("out of memory");
    for (size_t i = 0; i < lines; i++) {
        config->tempcomp_points[i].temperature = visor_fields_real(&fields);
        config->tempcomp_points[i].compensation_ppm = visor_fields_real(&fields);
        visor_fields_next_line(&fields);
    }
    config->tempcomp_point_count = lines;
    if (fields.failed)
        return N_("'%1' has a line that is not a temperature and a compensation");
    return sort_points(config->tempcomp_points, lines)
               ? NULL
               : N_("'%1' has two points of one temperature");
}

void visor_parser_load_tempcomp(struct visor_parser *parser)
{
    struct visor_config *config = parser->config;
    const char *wrong;
    char *text;
    size_t size;

    if (!config->tempcomp_points_file[0] || config->tempcomp_point_count)
        return;
    if (!visor_parser_read(parser, config->tempcomp_points_file, &text, &size))
        return;
    wrong = read_points(text, size, config);
    free(text);
    if (wrong)
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, 0, wrong, config->tempcomp_points_file,
                              NULL);
}
