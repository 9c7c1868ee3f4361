/* Customers: found, read, made and changed. */
#include "handlers_customers.h"

#include <string.h>

#define RPC(Name)                                                                                  \
    typedef Penstock__Orders__V1__##Name##Request Name##Request;                                   \
    typedef Penstock__Orders__V1__##Name##Response Name##Response;
RPC(ListCustomers)
RPC(GetCustomer)
RPC(CreateCustomer)
RPC(UpdateCustomer)
RPC(ListCustomerOrders)
RPC(PutCustomerAddress)
RPC(DeleteCustomerAddress)
#undef RPC

#define SWITCH(name) PENSTOCK__INVENTORY__V1__SWITCH__SWITCH_##name

/* ---- shared ---- */

enum status load_customer(struct call *call, const char *id, const char *field,
                          struct customer **customer)
{
    struct uuid uuid;
    enum status status = STATUS_NOT_FOUND;
    if (uuid_parse(id, &uuid))
        status = store_customer_load(call->db, &uuid, customer);
    if (status == STATUS_NOT_FOUND)
        return refuse(call, STATUS_NOT_FOUND, "not_found", field, "There is no such customer.");
    return status;
}

enum status customers_limit(struct call *call, int32_t asked, int64_t *limit)
{
    *limit = asked == 0 ? PAGE_DEFAULT : asked;
    if (*limit >= 1 && *limit <= PAGE_MAX)
        return STATUS_OK;
    return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A limit is from 1 to 200.");
}

enum status emit_customer_changed(struct call *call, const struct uuid *id, const char *change,
                                  const struct uuid *other)
{
    Penstock__Orders__V1__CustomerChanged event;
    penstock__orders__v1__customer_changed__init(&event);
    event.customer_id = wire_uuid(call->arena, id);
    event.change = wire_text(change);
    if (other != NULL)
        event.other_id = wire_uuid(call->arena, other);
    return emit(call, arena_printf(call->arena, "customer:%s", event.customer_id), &event.base);
}

/* ---- finding ---- */

/* What it looks like decides where it is looked for. A number's leading zeros are for calls within
 * its country. */
static enum customer_search read_search(struct arena *arena, const char *q, const char **text)
{
    char *digits = arena_alloc(arena, strlen(q) + 1), *to = digits;
    for (const char *s = q; *s != '\0'; s++) {
        if (*s >= '0' && *s <= '9')
            *to++ = *s;
    }
    if (strspn(q, "+0123456789 -().") == strlen(q) && strlen(digits) >= 3) {
        size_t zeros = strspn(digits, "0");
        *text = strlen(digits) - zeros >= 3 ? digits + zeros : digits;
        return SEARCH_PHONE;
    }
    char *lower = arena_strdup(arena, q);
    for (char *s = lower; *s != '\0'; s++) {
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
    }
    *text = lower;
    return strchr(q, '@') != NULL ? SEARCH_EMAIL : SEARCH_NAME;
}

static bool is_too_short(const char *text)
{
    size_t characters = 0;
    for (const char *s = text; *s != '\0'; s++)
        characters += ((unsigned char)*s & 0xc0) != 0x80;
    return characters < 2;
}

/* Whoever they are now, each once, in the order in which they were found. */
static enum status show_found(struct call *call, const struct uuid *ids, size_t count,
                              ListCustomersResponse *out)
{
    struct customer_contact *roots;
    struct customer *customers;
    size_t root_count, found;
    TRY(store_customer_contacts(call->db, ids, count, &roots, &root_count));
    struct uuid *wanted = ARENA_ARRAY(call->arena, root_count, struct uuid);
    for (size_t i = 0; i < root_count; i++)
        wanted[i] = roots[i].id;
    TRY(store_customers_load(call->db, wanted, root_count, &customers, &found));
    out->data = ARENA_ARRAY(call->arena, found, CustomerProfile *);
    for (size_t i = 0; i < found; i++) {
        if (customers[i].erasing_since_us == 0)
            out->data[out->n_data++] = view_customer_row(call->arena, &customers[i]);
    }
    return STATUS_OK;
}

ORDERS_HANDLER(list_customers, ListCustomersRequest, ListCustomersResponse)
{
    struct uuid before, *ids;
    struct refusal no;
    const char *text = "";
    int64_t limit;
    size_t count;
    enum customer_search search = SEARCH_NEWEST;
    TRY(customers_limit(call, in->limit, &limit));
    memset(before.bytes, 0xff, sizeof(before.bytes));
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &before))
        return refuse(call, STATUS_INVALID, "invalid", "cursor",
                      "A cursor is the next_cursor of the page before.");
    if (!rules_check_text(in->q, 254, &no, "q"))
        return refuse_by(call, &no);
    if (in->q[0] != '\0')
        search = read_search(call->arena, in->q, &text);
    if (search != SEARCH_NEWEST && is_too_short(text))
        return refuse(call, STATUS_INVALID, "too_short", "q",
                      "Two characters of a name, three digits of a number, are the least.");
    TRY(store_customers_find(call->db, search, text, &before, limit + 1, &ids, &count));
    size_t shown = count > (size_t)limit ? (size_t)limit : count;
    if (count > shown)
        out->next_cursor = wire_uuid(call->arena, &ids[shown - 1]);
    return shown > 0 ? show_found(call, ids, shown, out) : STATUS_OK;
}

ORDERS_HANDLER(get_customer, GetCustomerRequest, GetCustomerResponse)
{
    struct customer *customer;
    TRY(load_customer(call, in->id, "id", &customer));
    return view_customer_whole(call, customer, &out->customer);
}

ORDERS_HANDLER(list_customer_orders, ListCustomerOrdersRequest, ListCustomerOrdersResponse)
{
    struct customer *customer;
    struct uuid *ids;
    size_t count;
    int64_t limit;
    TRY(customers_limit(call, in->limit, &limit));
    TRY(load_customer(call, in->id, "id", &customer));
    TRY(store_customer_family(call->db, &customer->id, &ids, &count));
    return view_customer_orders(call, ids, count, in->cursor, "cursor", limit, &out->data,
                                &out->n_data, &out->next_cursor);
}

/* ---- making and changing ---- */

static void normalize(struct arena *arena, struct customer *customer, const char *country)
{
    const char *phone = rules_phone(customer->phone, country, arena);
    const char *email = rules_email(customer->email, arena);
    if (phone[0] != '\0')
        customer->phone = phone;
    if (email[0] != '\0')
        customer->email = email;
}

/* What they are known by follows their row. */
static enum status know(struct call *call, const struct customer *before,
                        const struct customer *after)
{
    struct contact old[CUSTOMER_MAX_CONTACTS], contacts[CUSTOMER_MAX_CONTACTS];
    size_t old_count = before != NULL ? rules_customer_contacts(before, call->arena, old) : 0;
    size_t count = rules_customer_contacts(after, call->arena, contacts);
    for (size_t i = 0; i < old_count; i++)
        TRY(store_contact_delete(call->db, &after->id, &old[i]));
    for (size_t i = 0; i < count; i++)
        store_contact_add(call->db, &after->id, &contacts[i]);
    return STATUS_OK;
}

static struct db_bytea packed_address(struct arena *arena, const Address *address)
{
    size_t bytes = protobuf_c_message_get_packed_size(&address->base);
    uint8_t *packed = arena_alloc(arena, bytes + 1);
    protobuf_c_message_pack(&address->base, packed);
    return (struct db_bytea){packed, bytes};
}

static enum status put_address(struct call *call, const struct customer *customer,
                               const struct uuid *id, const char *label, const Address *address)
{
    const struct address_row row = {customer->id, *id, label, packed_address(call->arena, address)};
    return store_address_put(call->db, &row);
}

ORDERS_HANDLER(create_customer, CreateCustomerRequest, CreateCustomerResponse)
{
    struct refusal no;
    struct customer customer = {.id = uuid_new(),
                                .name = in->name,
                                .email = in->email,
                                .phone = in->phone,
                                .locale = in->locale,
                                .note = in->note,
                                .accepts_marketing = in->accepts_marketing,
                                .version = 1,
                                .created_at_us = call->now_us,
                                .updated_at_us = call->now_us};
    if (in->accepts_marketing)
        customer.consented_at_us = call->now_us;
    customer.tags = rules_tags(in->tags, in->n_tags, call->arena, &no);
    if (customer.tags == NULL || !rules_check_customer(&customer, &no) ||
        !rules_check_address(in->address, &no, "address"))
        return refuse_by(call, &no);
    normalize(call->arena, &customer, in->country);
    store_customer_add(call->db, &customer);
    TRY(know(call, NULL, &customer));
    if (in->address != NULL) {
        struct uuid id = uuid_new();
        TRY(put_address(call, &customer, &id, "", in->address));
    }
    TRY(emit_customer_changed(call, &customer.id, "created", NULL));
    return view_customer_whole(call, &customer, &out->customer);
}

/* True when it is one of the fields that may be emptied. */
static bool clear(struct customer *customer, const char *field)
{
    const struct {
        const char *name, **text;
    } fields[] = {
        {"name", &customer->name},     {"email", &customer->email}, {"phone", &customer->phone},
        {"locale", &customer->locale}, {"note", &customer->note},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].name, field) != 0)
            continue;
        *fields[i].text = "";
        return true;
    }
    return false;
}

static void set(const char **text, const char *value)
{
    if (value[0] != '\0')
        *text = value;
}

/* The customer as they are to be; false: refused. */
static bool change(struct call *call, const UpdateCustomerRequest *in, struct customer *customer)
{
    struct refusal no;
    set(&customer->name, in->name);
    set(&customer->email, in->email);
    set(&customer->phone, in->phone);
    set(&customer->locale, in->locale);
    set(&customer->note, in->note);
    for (size_t i = 0; i < in->n_clear; i++) {
        if (clear(customer, in->clear[i]))
            continue;
        refuse(call, STATUS_INVALID, "invalid", "clear",
               "Name, email, phone, locale and note can be emptied.");
        return false;
    }
    if (in->tags != NULL)
        customer->tags = rules_tags(in->tags->values, in->tags->n_values, call->arena, &no);
    if (customer->tags == NULL || !rules_check_customer(customer, &no)) {
        refuse_by(call, &no);
        return false;
    }
    if ((int)in->accepts_marketing != 0 &&
        customer->accepts_marketing != (in->accepts_marketing == SWITCH(ON))) {
        customer->accepts_marketing = in->accepts_marketing == SWITCH(ON);
        customer->consented_at_us = call->now_us;
    }
    normalize(call->arena, customer, in->country);
    return true;
}

static enum status refuse_erased(struct call *call)
{
    return refuse(call, STATUS_CONFLICT, "invalid_state", "id", "This customer has been erased.");
}

ORDERS_HANDLER(update_customer, UpdateCustomerRequest, UpdateCustomerResponse)
{
    struct customer *customer, before;
    TRY(load_customer(call, in->id, "id", &customer));
    if (customer->erasing_since_us != 0)
        return refuse_erased(call);
    if (in->version != 0 && in->version != customer->version)
        return refuse(call, STATUS_STALE, "version_conflict", "version",
                      "The customer was changed meanwhile: read version %lld.",
                      (long long)customer->version);
    before = *customer;
    if (!change(call, in, customer))
        return call->status;
    TRY(know(call, &before, customer));
    TRY(store_customer_save(call->db, customer, call->now_us));
    TRY(emit_customer_changed(call, &customer->id, "updated", NULL));
    return view_customer_whole(call, customer, &out->customer);
}

/* ---- addresses ---- */

ORDERS_HANDLER(put_customer_address, PutCustomerAddressRequest, PutCustomerAddressResponse)
{
    struct customer *customer;
    struct address_row *rows;
    struct refusal no;
    struct uuid id = uuid_new();
    size_t count;
    if (in->address == NULL)
        return refuse(call, STATUS_INVALID, "required", "address", "An address is needed.");
    if (!rules_check_address(in->address, &no, "address") ||
        !rules_check_text(in->label, 64, &no, "label"))
        return refuse_by(call, &no);
    if (in->address_id[0] != '\0' && !uuid_parse(in->address_id, &id))
        return refuse(call, STATUS_INVALID, "invalid", "address_id", "An id is a UUID.");
    TRY(load_customer(call, in->id, "id", &customer));
    if (customer->erasing_since_us != 0)
        return refuse_erased(call);
    TRY(store_customer_addresses(call->db, &customer->id, 1, &rows, &count));
    if (count >= CUSTOMER_MAX_ADDRESSES)
        return refuse(call, STATUS_CONFLICT, "too_many", "id",
                      "A customer has at most %d addresses.", CUSTOMER_MAX_ADDRESSES);
    TRY(put_address(call, customer, &id, in->label, in->address));
    TRY(emit_customer_changed(call, &customer->id, "address_added", NULL));
    return view_customer_whole(call, customer, &out->customer);
}

ORDERS_HANDLER(delete_customer_address, DeleteCustomerAddressRequest, DeleteCustomerAddressResponse)
{
    struct customer *customer;
    struct uuid id;
    if (!uuid_parse(in->address_id, &id))
        return refuse(call, STATUS_INVALID, "invalid", "address_id", "An id is a UUID.");
    TRY(load_customer(call, in->id, "id", &customer));
    TRY(store_address_delete(call->db, &customer->id, &id));
    TRY(emit_customer_changed(call, &customer->id, "address_removed", NULL));
    return view_customer_whole(call, customer, &out->customer);
}
