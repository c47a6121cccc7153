/* What people read. Without the C library's calendar and printf: these take locks and allocate. */
#include "base/time.h"

#include <timevisor/timevisor.h>

#include <errno.h>
#include <string.h>

#define DAY_S INT64_C(86400)

struct writer {
    char *text;
    size_t size, at;
};

static void put(struct writer *writer, char c)
{
    if (writer->at < writer->size)
        writer->text[writer->at] = c;
    writer->at++;
}

static void put_number(struct writer *writer, int64_t number, int digits)
{
    int64_t unit = 1;

    for (int i = 1; i < digits; i++)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        put(writer, (char)('0' + number / unit % 10));
}

/* Days since 1970 to the Gregorian calendar; years begin in March, so that leap days end them. */
static void put_date(struct writer *writer, int64_t days)
{
    int64_t since = days + 719468, era = (since >= 0 ? since : since - 146096) / 146097;
    int64_t day = since - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    put_number(writer, year + era * 400 + (month >= 10), 4);
    put(writer, '-');
    put_number(writer, month < 10 ? month + 3 : month - 9, 2);
    put(writer, '-');
    put_number(writer, of_year - (153 * month + 2) / 5 + 1, 2);
}

static void put_moment(struct writer *writer, int64_t utc_ns, int zone_minutes)
{
    int64_t ns = utc_ns % VISOR_NS_PER_S, seconds = utc_ns / VISOR_NS_PER_S, of_day;

    if (ns < 0) {
        ns += VISOR_NS_PER_S;
        seconds--;
    }
    seconds += zone_minutes * 60;
    of_day = (seconds % DAY_S + DAY_S) % DAY_S;
    put_date(writer, (seconds - of_day) / DAY_S);
    put(writer, 'T');
    put_number(writer, of_day / 3600, 2);
    put(writer, ':');
    put_number(writer, of_day / 60 % 60, 2);
    put(writer, ':');
    put_number(writer, of_day % 60, 2);
    put(writer, '.');
    put_number(writer, ns, 9);
}

size_t timevisor_format(int64_t utc_ns, int zone_minutes, char *text, size_t size)
{
    struct writer writer = {.text = text, .size = size};
    int east = zone_minutes < 0 ? -zone_minutes : zone_minutes;

    if (utc_ns == TIMEVISOR_MIN || utc_ns == TIMEVISOR_MAX) {
        put(&writer, '-');
    } else {
        put_moment(&writer, utc_ns, 0);
        put(&writer, 'Z');
        if (zone_minutes && east <= 1440 && zone_minutes >= -1440) {
            put(&writer, ' ');
            put_moment(&writer, utc_ns, zone_minutes);
            put(&writer, zone_minutes < 0 ? '-' : '+');
            put_number(&writer, east / 60, 2);
            put(&writer, ':');
            put_number(&writer, east % 60, 2);
        }
    }
    if (writer.at >= size)
        return 0;
    text[writer.at] = '\0';
    return writer.at;
}

const char *timevisor_status_name(int status)
{
    static const char *const names[] = {"unknown", "synchronized", "holdover", "disrupted"};

    return status >= 0 && status < 4 ? names[status] : "?";
}

const char *timevisor_version(void)
{
    return VISOR_VERSION;
}

const char *timevisor_strerror(int error)
{
    switch (error) {
    case ENOENT:
        return "there is no clock segment: does timevisord run here?";
    case EPERM:
        return "the clock segment belongs to somebody who is not to be trusted with it";
    case EPROTO:
        return "this is no clock segment";
    case EPROTONOSUPPORT:
        return "the clock segment is of another version";
    case ESTALE:
        return "the clock segment is from before the machine was started";
    case ENOTSUP:
        return "the time namespace of this process cannot be told";
    default:
        return strerror(error);
    }
}
