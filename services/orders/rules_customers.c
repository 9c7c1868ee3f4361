#include "rules_customers.h"

#include <string.h>

/* Where most customers are, with the prefix that a call from within the country begins with. */
static const struct {
    const char *country, *code, *trunk;
    size_t digits; /* of a number without either; 0: they vary */
} plans[] = {
    {"TW", "886", "0", 0}, {"HK", "852", "", 8}, {"MO", "853", "", 8}, {"CN", "86", "0", 11},
    {"SG", "65", "", 8},   {"MY", "60", "0", 0}, {"JP", "81", "0", 0}, {"KR", "82", "0", 0},
    {"TH", "66", "0", 0},  {"VN", "84", "0", 0}, {"PH", "63", "0", 0}, {"ID", "62", "0", 0},
    {"US", "1", "1", 10},  {"CA", "1", "1", 10}, {"GB", "44", "0", 0}, {"AU", "61", "0", 0},
    {"NZ", "64", "0", 0},  {"DE", "49", "0", 0}, {"FR", "33", "0", 0},
};

#define MIN_DIGITS 5
#define MAX_DIGITS 15

static char *digits_of(const char *text, struct arena *arena)
{
    char *digits = arena_alloc(arena, strlen(text) + 1), *to = digits;
    for (const char *s = text; *s != '\0' && *s != 'x' && *s != '#'; s++) {
        if (*s >= '0' && *s <= '9')
            *to++ = *s;
    }
    return digits;
}

static bool begins_with(const char *text, const char *prefix)
{
    return prefix[0] != '\0' && strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *with_country(const char *digits, const char *country, struct arena *arena)
{
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        if (strcasecmp(plans[i].country, country) != 0)
            continue;
        size_t whole = strlen(plans[i].code) + (plans[i].digits > 0 ? plans[i].digits : 8);
        bool says_it = begins_with(digits, plans[i].code) && strlen(digits) >= whole &&
                       !begins_with(digits, plans[i].trunk);
        if (says_it)
            return arena_printf(arena, "+%s", digits);
        if (begins_with(digits, plans[i].trunk))
            digits += strlen(plans[i].trunk);
        return arena_printf(arena, "+%s%s", plans[i].code, digits);
    }
    return digits;
}

const char *rules_phone(const char *phone, const char *country, struct arena *arena)
{
    const char *digits = digits_of(phone, arena);
    const char *first = phone + strspn(phone, " (");
    if (strlen(digits) < MIN_DIGITS || strlen(digits) > MAX_DIGITS)
        return "";
    if (*first == '+')
        return arena_printf(arena, "+%s", digits);
    if (begins_with(digits, "00"))
        return arena_printf(arena, "+%s", digits + 2);
    return with_country(digits, country, arena);
}

const char *rules_email(const char *email, struct arena *arena)
{
    if (strchr(email, '@') == NULL)
        return "";
    char *lower = arena_strdup(arena, email);
    for (char *s = lower; *s != '\0'; s++) {
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
    }
    return lower;
}

static void add(struct contact *contacts, size_t *count, enum contact_kind kind, const char *value)
{
    if (value[0] != '\0')
        contacts[(*count)++] = (struct contact){kind, value};
}

size_t rules_contacts(const struct customer_facts *facts, struct arena *arena,
                      struct contact contacts[CUSTOMER_MAX_CONTACTS])
{
    size_t count = 0;
    struct uuid ours;
    const char *channels = facts->external_id[0] != '\0'           ? facts->external_id
                           : uuid_parse(facts->customer_id, &ours) ? ""
                                                                   : facts->customer_id;
    if (channels[0] != '\0')
        add(contacts, &count, CONTACT_CHANNEL,
            arena_printf(arena, "%s/%s", facts->channel, channels));
    add(contacts, &count, CONTACT_PHONE, rules_phone(facts->phone, facts->country, arena));
    add(contacts, &count, CONTACT_EMAIL, rules_email(facts->email, arena));
    return count;
}

size_t rules_customer_contacts(const struct customer *customer, struct arena *arena,
                               struct contact contacts[CUSTOMER_MAX_CONTACTS])
{
    size_t count = 0;
    add(contacts, &count, CONTACT_PHONE, rules_phone(customer->phone, "", arena));
    add(contacts, &count, CONTACT_EMAIL, rules_email(customer->email, arena));
    return count;
}

bool rules_check_customer(const struct customer *customer, struct refusal *no)
{
    if (customer->name[0] == '\0' && customer->email[0] == '\0' && customer->phone[0] == '\0')
        return rules_refuse(no, STATUS_INVALID, "required",
                            "A customer has a name, an e-mail address or a telephone number.", "%s",
                            "name");
    if (customer->email[0] != '\0' && !rules_check_email(customer->email, no, "email"))
        return false;
    if (customer->phone[0] != '\0' && !rules_check_phone(customer->phone, no, "phone"))
        return false;
    return rules_check_text(customer->name, 200, no, "name") &&
           rules_check_text(customer->locale, 35, no, "locale") &&
           rules_check_note(customer->note, 2000, no, "note");
}

const char *rules_tags(char *const *tags, size_t count, struct arena *arena, struct refusal *no)
{
    const char *lines = "";
    if (count > CUSTOMER_MAX_TAGS) {
        rules_refuse(no, STATUS_INVALID, "too_many", "A customer has at most 50 tags.", "%s",
                     "tags");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (tags[i][0] == '\0') {
            rules_refuse(no, STATUS_INVALID, "required", "A tag is not empty.", "tags[%zu]", i);
            return NULL;
        }
        if (!rules_check_text(tags[i], 64, no, "tags"))
            return NULL;
        lines = arena_printf(arena, "%s%s%s", lines, i > 0 ? "\n" : "", tags[i]);
    }
    return lines;
}

bool rules_merge(const struct customer *into, const struct customer *other, struct refusal *no)
{
    if (uuid_equal(&into->id, &other->id))
        return rules_refuse(no, STATUS_INVALID, "invalid", "These are one customer already.", "%s",
                            "other");
    if (!uuid_is_nil(&other->merged_into))
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "This customer has been merged already; take that back first.", "%s",
                            "other");
    if (!uuid_is_nil(&into->merged_into))
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state",
                            "This customer has been merged into another: merge into that one.",
                            "%s", "id");
    if (into->erasing_since_us != 0 || other->erasing_since_us != 0)
        return rules_refuse(no, STATUS_CONFLICT, "invalid_state", "An erased customer stays alone.",
                            "%s", "other");
    return true;
}
