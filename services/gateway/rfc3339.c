#include "services/gateway/rfc3339.h"

#include <stddef.h>

#define US_PER_SECOND INT64_C(1000000)
#define NS_PER_SECOND INT64_C(1000000000)
#define SECONDS_PER_DAY INT64_C(86400)

/* Counts years from March, so that the leap day is the last of its year. */
int64_t rfc3339_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* Exactly count digits and the character after them, which is skipped; '\0' skips nothing. */
static bool take(const char **at, int count, char after, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    *out = value;
    if (after == '\0')
        return true;
    if (**at != after)
        return false;
    (*at)++;
    return true;
}

static bool take_fraction(const char **at, int64_t *nanoseconds)
{
    *nanoseconds = 0;
    if (**at != '.')
        return true;
    (*at)++;
    int64_t unit = NS_PER_SECOND;
    const char *first = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        unit /= 10;
        if (unit == 0)
            return false;
        *nanoseconds += unit * (**at - '0');
    }
    return *at > first;
}

static bool take_offset(const char **at, int64_t *seconds)
{
    char sign = **at;
    *seconds = 0;
    if (sign == 'Z' || sign == 'z') {
        (*at)++;
        return true;
    }
    int hours, minutes;
    if (sign != '+' && sign != '-')
        return false;
    (*at)++;
    if (!take(at, 2, ':', &hours) || !take(at, 2, '\0', &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

bool rfc3339_parse(const char *text, int64_t *us, int64_t *nanoseconds)
{
    const char *at = text;
    int year, month, day, hour, minute, second;
    int64_t fraction, offset;
    if (!take(&at, 4, '-', &year) || !take(&at, 2, '-', &month) || !take(&at, 2, '\0', &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    if (*at != 'T' && *at != 't')
        return false;
    at++;
    if (!take(&at, 2, ':', &hour) || !take(&at, 2, ':', &minute) || !take(&at, 2, '\0', &second))
        return false;
    /* Second 60 is a leap second: the first moment of the next minute, as POSIX counts. */
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    if (!take_fraction(&at, &fraction) || !take_offset(&at, &offset) || *at != '\0')
        return false;
    int64_t seconds = rfc3339_days(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 +
                      second - offset;
    *us = seconds * US_PER_SECOND + fraction / 1000;
    if (nanoseconds != NULL)
        *nanoseconds = fraction % 1000;
    return seconds >= 0 && *us > 0 && seconds < rfc3339_days(10000, 1, 1) * SECONDS_PER_DAY;
}

/* The last digits of a number and the character after them. */
static char *put(char *to, int digits, int64_t number, char after)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    to[digits] = after;
    return to + digits + 1;
}

char *rfc3339_text(int64_t us, char buffer[RFC3339_TEXT_BYTES])
{
    int64_t seconds = us / US_PER_SECOND, fraction = us % US_PER_SECOND;
    if (fraction < 0) {
        fraction += US_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY, rest = seconds % SECONDS_PER_DAY;
    if (rest < 0) {
        rest += SECONDS_PER_DAY;
        days--;
    }
    int64_t year;
    int month, day;
    date_of_days(days, &year, &month, &day);
    char *to = buffer;
    to = put(to, 4, year, '-');
    to = put(to, 2, month, '-');
    to = put(to, 2, day, 'T');
    to = put(to, 2, rest / 3600, ':');
    to = put(to, 2, rest / 60 % 60, ':');
    to = put(to, 2, rest % 60, '.');
    to = put(to, 6, fraction, 'Z');
    *to = '\0';
    return buffer;
}
