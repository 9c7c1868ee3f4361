/* One person who is several customers: suggested, merged, and taken apart again. */
#include "handlers_customers.h"

#define RPC(Name)                                                                                  \
    typedef Penstock__Orders__V1__##Name##Request Name##Request;                                   \
    typedef Penstock__Orders__V1__##Name##Response Name##Response;
RPC(ListMergeSuggestions)
RPC(MergeCustomers)
RPC(UnmergeCustomer)
#undef RPC
typedef Penstock__Orders__V1__MergeSuggestion MergeSuggestion;

static MergeSuggestion *suggest(struct arena *arena, const struct customer *customer,
                                const struct suggestion_row *row)
{
    MergeSuggestion *view = ARENA_NEW(arena, MergeSuggestion);
    penstock__orders__v1__merge_suggestion__init(view);
    view->customer = view_customer_row(arena, customer);
    view->reasons = ARENA_ARRAY(arena, 2, char *);
    if (row->by_phone)
        view->reasons[view->n_reasons++] = wire_text("phone");
    if (row->by_email)
        view->reasons[view->n_reasons++] = wire_text("email");
    return view;
}

/* Those who have been merged into somebody else are that one's business. */
ORDERS_HANDLER(list_merge_suggestions, ListMergeSuggestionsRequest, ListMergeSuggestionsResponse)
{
    struct customer *customer, *others;
    struct suggestion_row *rows;
    struct uuid *family;
    size_t family_count, count, found;
    TRY(load_customer(call, in->id, "id", &customer));
    TRY(store_customer_family(call->db, &customer->id, &family, &family_count));
    TRY(store_customer_suggestions(call->db, family, family_count, &rows, &count));
    struct uuid *ids = ARENA_ARRAY(call->arena, count, struct uuid);
    for (size_t i = 0; i < count; i++)
        ids[i] = rows[i].customer_id;
    TRY(store_customers_load(call->db, ids, count, &others, &found));
    out->data = ARENA_ARRAY(call->arena, found, MergeSuggestion *);
    for (size_t i = 0; i < found; i++) {
        bool is_free = uuid_is_nil(&others[i].merged_into) && others[i].erasing_since_us == 0;
        for (size_t k = 0; k < count && is_free; k++) {
            if (uuid_equal(&rows[k].customer_id, &others[i].id))
                out->data[out->n_data++] = suggest(call->arena, &others[i], &rows[k]);
        }
    }
    return STATUS_OK;
}

ORDERS_HANDLER(merge_customers, MergeCustomersRequest, MergeCustomersResponse)
{
    struct customer *customer, *other;
    struct refusal no;
    struct uuid *family;
    size_t count;
    TRY(load_customer(call, in->id, "id", &customer));
    TRY(load_customer(call, in->other, "other", &other));
    bool is_done = uuid_equal(&other->merged_into, &customer->id);
    if (!is_done && !rules_merge(customer, other, &no))
        return refuse_by(call, &no);
    TRY(store_customer_family(call->db, &customer->id, &family, &count));
    if (count >= CUSTOMER_MAX_FAMILY)
        return refuse(call, STATUS_CONFLICT, "too_many", "other",
                      "At most %d customers are merged into one.", CUSTOMER_MAX_FAMILY);
    if (!is_done) {
        other->merged_into = customer->id;
        TRY(store_customer_save(call->db, other, call->now_us));
        TRY(store_customer_save(call->db, customer, call->now_us));
        TRY(emit_customer_changed(call, &customer->id, "merged", &other->id));
    }
    return view_customer_whole(call, customer, &out->customer);
}

/* Everything is theirs again as it was: a merge only points. */
ORDERS_HANDLER(unmerge_customer, UnmergeCustomerRequest, UnmergeCustomerResponse)
{
    struct customer *customer, *into;
    TRY(load_customer(call, in->id, "id", &customer));
    if (uuid_is_nil(&customer->merged_into))
        return refuse(call, STATUS_CONFLICT, "invalid_state", "id",
                      "This customer has not been merged into another.");
    if (customer->erasing_since_us != 0)
        return refuse(call, STATUS_CONFLICT, "invalid_state", "id",
                      "This customer has been erased.");
    TRY(store_customer_load(call->db, &customer->merged_into, &into));
    customer->merged_into = (struct uuid){{0}};
    TRY(store_customer_save(call->db, customer, call->now_us));
    TRY(store_customer_save(call->db, into, call->now_us));
    TRY(emit_customer_changed(call, &into->id, "unmerged", &customer->id));
    return view_customer_whole(call, customer, &out->customer);
}
