/* The projection "customers": whose each order is. It runs behind the writer, in a thread of its
 * own, and reads the orders' rows as they are by then. An order belongs to the customer whom it
 * names; else to whoever is known by the channel's customer, the telephone number or the e-mail
 * address that it brings, whoever has been known longest; else to a new customer. */
#include <stdlib.h>
#include <string.h>

#include "handlers_customers.h"

/* What is known of one turn's contacts, found by (kind, value). */
struct known_contact {
    struct contact contact;
    struct uuid customer_id; /* nil: nobody */
};
struct linking {
    struct batch *batch;
    struct customer_facts *facts;
    size_t fact_count;
    struct contact (*contacts)[CUSTOMER_MAX_CONTACTS];
    size_t *contact_counts;
    struct known_contact *known; /* sorted */
    size_t known_count;
    struct uuid *named; /* of the customers that orders name, those there are; sorted */
    size_t named_count;
};

static bool touches_customer(const char *type)
{
    return strcmp(type, "OrderPlaced") == 0 || strcmp(type, "OrderContactChanged") == 0 ||
           strcmp(type, "OrderSplitOff") == 0;
}

static int compare_contacts(const struct contact *a, const struct contact *b)
{
    return a->kind != b->kind ? (a->kind > b->kind) - (a->kind < b->kind)
                              : strcmp(a->value, b->value);
}

static int compare_known(const void *a, const void *b)
{
    return compare_contacts(&((const struct known_contact *)a)->contact,
                            &((const struct known_contact *)b)->contact);
}

static struct known_contact *find_known(const struct linking *it, const struct contact *contact)
{
    const struct known_contact key = {.contact = *contact};
    return bsearch(&key, it->known, it->known_count, sizeof(key), compare_known);
}

/* ---- loading ---- */

/* Every contact of the turn once, sorted. */
static void gather(struct linking *it)
{
    struct arena *arena = it->batch->arena;
    size_t all = 0, kept = 0;
    it->contacts = arena_array(arena, it->fact_count + 1, sizeof(*it->contacts));
    it->contact_counts = ARENA_ARRAY(arena, it->fact_count + 1, size_t);
    it->known =
        ARENA_ARRAY(arena, it->fact_count * CUSTOMER_MAX_CONTACTS + 1, struct known_contact);
    for (size_t i = 0; i < it->fact_count; i++) {
        it->contact_counts[i] = rules_contacts(&it->facts[i], arena, it->contacts[i]);
        for (size_t k = 0; k < it->contact_counts[i]; k++)
            it->known[all++].contact = it->contacts[i][k];
    }
    qsort(it->known, all, sizeof(*it->known), compare_known);
    for (size_t i = 0; i < all; i++) {
        if (kept == 0 || compare_known(&it->known[kept - 1], &it->known[i]) != 0)
            it->known[kept++] = it->known[i];
    }
    it->known_count = kept;
}

static enum status load_owners(struct linking *it)
{
    struct arena *arena = it->batch->arena;
    int64_t *kinds = ARENA_ARRAY(arena, it->known_count + 1, int64_t);
    const char **values = ARENA_ARRAY(arena, it->known_count + 1, const char *);
    struct contact_owner *owners;
    size_t count;
    for (size_t i = 0; i < it->known_count; i++) {
        kinds[i] = it->known[i].contact.kind;
        values[i] = it->known[i].contact.value;
    }
    TRY(store_contact_owners(it->batch->db, kinds, values, it->known_count, &owners, &count));
    for (size_t i = 0; i < count; i++) {
        const struct contact contact = {owners[i].kind, owners[i].value};
        struct known_contact *known = find_known(it, &contact);
        if (known != NULL && uuid_is_nil(&known->customer_id))
            known->customer_id = owners[i].customer_id;
    }
    return STATUS_OK;
}

static enum status load_named(struct linking *it)
{
    struct uuid *ids = ARENA_ARRAY(it->batch->arena, it->fact_count + 1, struct uuid);
    size_t count = 0;
    for (size_t i = 0; i < it->fact_count; i++)
        count += uuid_parse(it->facts[i].customer_id, &ids[count]);
    return count > 0
               ? store_customers_existing(it->batch->db, ids, count, &it->named, &it->named_count)
               : STATUS_OK;
}

/* ---- deciding ---- */

static int compare_ids(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static bool is_named(const struct linking *it, const struct customer_facts *facts, struct uuid *id)
{
    return uuid_parse(facts->customer_id, id) && it->named_count > 0 &&
           bsearch(id, it->named, it->named_count, sizeof(*id), compare_ids) != NULL;
}

static struct uuid make_customer(struct linking *it, const struct customer_facts *facts)
{
    struct arena *arena = it->batch->arena;
    const char *phone = rules_phone(facts->phone, facts->country, arena);
    const struct customer customer = {.id = uuid_new(),
                                      .created_at_us = facts->created_at_us,
                                      .name = facts->name,
                                      .email = rules_email(facts->email, arena),
                                      .phone = phone[0] != '\0' ? phone : facts->phone,
                                      .locale = facts->locale,
                                      .note = "",
                                      .tags = ""};
    store_customer_add(it->batch->db, &customer);
    return customer.id;
}

static struct uuid owner_of(struct linking *it, size_t i)
{
    struct uuid id;
    const struct customer_facts *facts = &it->facts[i];
    if (!uuid_is_nil(&facts->linked_to))
        return facts->linked_to;
    if (is_named(it, facts, &id))
        return id;
    for (size_t k = 0; k < it->contact_counts[i]; k++) {
        const struct known_contact *known = find_known(it, &it->contacts[i][k]);
        if (known != NULL && !uuid_is_nil(&known->customer_id))
            return known->customer_id;
    }
    return make_customer(it, facts);
}

/* Whatever nobody was known by yet, this customer is known by from now on. A contact that is
 * somebody else's stays theirs: both are suggested as one. */
static void learn(struct linking *it, size_t i, const struct uuid *customer_id)
{
    for (size_t k = 0; k < it->contact_counts[i]; k++) {
        struct known_contact *known = find_known(it, &it->contacts[i][k]);
        if (known == NULL || uuid_equal(&known->customer_id, customer_id))
            continue;
        if (uuid_is_nil(&known->customer_id))
            known->customer_id = *customer_id;
        store_contact_add(it->batch->db, customer_id, &it->contacts[i][k]);
    }
}

enum status project_customers(struct batch *batch)
{
    struct linking it = {.batch = batch};
    struct uuid *ids = ARENA_ARRAY(batch->arena, batch->count + 1, struct uuid);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct event_source *event = batch->calls[i].event;
        if (touches_customer(event->type) && uuid_parse(event->key, &ids[count]))
            count++;
    }
    if (count == 0)
        return STATUS_OK;
    TRY(store_customer_facts(batch->db, ids, count, &it.facts, &it.fact_count));
    gather(&it);
    TRY(load_owners(&it));
    TRY(load_named(&it));
    for (size_t i = 0; i < it.fact_count; i++) {
        struct uuid named;
        bool is_known = it.contact_counts[i] > 0 || is_named(&it, &it.facts[i], &named);
        if (!is_known)
            continue; /* over a counter, to nobody in particular */
        struct uuid owner = owner_of(&it, i);
        learn(&it, i, &owner);
        if (uuid_is_nil(&it.facts[i].linked_to))
            store_customer_order_add(batch->db, &it.facts[i], &owner);
    }
    return STATUS_OK;
}
