/* The shop's rules and its blacklist, as people keep them; and what a rule would have done. */
#include <string.h>

#include "handlers_rules.h"
#include "store_rules.h"

typedef Penstock__Orders__V1__CreateRuleRequest CreateRuleRequest;
typedef Penstock__Orders__V1__CreateRuleResponse CreateRuleResponse;
typedef Penstock__Orders__V1__UpdateRuleRequest UpdateRuleRequest;
typedef Penstock__Orders__V1__UpdateRuleResponse UpdateRuleResponse;
typedef Penstock__Orders__V1__DeleteRuleRequest DeleteRuleRequest;
typedef Penstock__Orders__V1__DeleteRuleResponse DeleteRuleResponse;
typedef Penstock__Orders__V1__ListRulesRequest ListRulesRequest;
typedef Penstock__Orders__V1__ListRulesResponse ListRulesResponse;
typedef Penstock__Orders__V1__BlacklistEntry BlacklistEntry;
typedef Penstock__Orders__V1__AddToBlacklistRequest AddToBlacklistRequest;
typedef Penstock__Orders__V1__AddToBlacklistResponse AddToBlacklistResponse;
typedef Penstock__Orders__V1__RemoveFromBlacklistRequest RemoveFromBlacklistRequest;
typedef Penstock__Orders__V1__RemoveFromBlacklistResponse RemoveFromBlacklistResponse;
typedef Penstock__Orders__V1__ListBlacklistRequest ListBlacklistRequest;
typedef Penstock__Orders__V1__ListBlacklistResponse ListBlacklistResponse;

#define DEFAULT_LIMIT 50
#define MAX_LIMIT 200

/* ---- rules ---- */

struct book {
    Rule **rules; /* with room for one more */
    size_t count;
};

static enum status load_book(struct call *call, struct book *book)
{
    Rule **rules;
    TRY(store_rules_load(call->db, call->arena, &rules, &book->count));
    book->rules = ARENA_ARRAY(call->arena, book->count + 1, Rule *);
    if (book->count > 0)
        memcpy(book->rules, rules, book->count * sizeof(*rules));
    return STATUS_OK;
}

static size_t place_of(const struct book *book, const char *id)
{
    size_t i = 0;
    while (i < book->count && strcmp(book->rules[i]->id, id) != 0)
        i++;
    return i;
}

static void take_out(struct book *book, size_t at)
{
    book->count--;
    for (size_t i = at; i < book->count; i++)
        book->rules[i] = book->rules[i + 1];
}

/* place: 1 for the first; beyond the last, or 0: last. */
static void put_in(struct book *book, Rule *rule, int32_t place)
{
    size_t at = place > 0 && (size_t)place <= book->count ? (size_t)place - 1 : book->count;
    for (size_t i = book->count; i > at; i--)
        book->rules[i] = book->rules[i - 1];
    book->rules[at] = rule;
    book->count++;
}

static bool needs_history(const struct book *book)
{
    for (size_t i = 0; i < book->count; i++)
        if (book->rules[i]->is_enabled && rules_auto_needs_history(book->rules[i]))
            return true;
    return false;
}

static enum status save_book(struct call *call, const struct book *book, bool needed_history,
                             const Rule *changed, bool is_deleted)
{
    Penstock__Orders__V1__RuleChanged event;
    rules_forget(call);
    TRY(store_rules_put(call->db, call->arena, book->rules, book->count));
    if (needs_history(book) && !needed_history)
        TRY(store_rule_cursor_to_head(call->db));
    penstock__orders__v1__rule_changed__init(&event);
    event.rule_id = changed->id;
    event.is_deleted = is_deleted;
    event.is_enabled = changed->is_enabled && !is_deleted;
    return emit(call, arena_printf(call->arena, "rule:%s", changed->id), &event.base);
}

static Rule *new_rule(struct call *call, const CreateRuleRequest *in, char *id, int64_t version)
{
    Rule *rule = ARENA_NEW(call->arena, Rule);
    penstock__orders__v1__rule__init(rule);
    rule->id = id;
    rule->name = in->name;
    rule->is_enabled = in->is_enabled;
    rule->conditions = in->conditions;
    rule->actions = in->actions;
    rule->n_actions = in->n_actions;
    rule->stops = in->stops;
    rule->version = version;
    rule->updated_at_us = call->now_us;
    rule->updated_by = arena_strdup(call->arena, call->actor);
    return rule;
}

ORDERS_HANDLER(create_rule, CreateRuleRequest, CreateRuleResponse)
{
    struct refusal no;
    struct book book;
    struct uuid id = uuid_new();
    if (!rules_auto_check(in, &no))
        return refuse_by(call, &no);
    TRY(load_book(call, &book));
    if (book.count >= AUTO_MAX_RULES)
        return refuse(call, STATUS_CONFLICT, "too_many", "", "A shop has at most 100 rules.");
    bool needed_history = needs_history(&book);
    out->rule = new_rule(call, in, wire_uuid(call->arena, &id), 1);
    put_in(&book, out->rule, in->place);
    return save_book(call, &book, needed_history, out->rule, false);
}

static enum status find_rule(struct call *call, const char *id, struct book *book, size_t *at)
{
    TRY(load_book(call, book));
    *at = place_of(book, id);
    if (*at == book->count)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such rule.");
    return STATUS_OK;
}

ORDERS_HANDLER(update_rule, UpdateRuleRequest, UpdateRuleResponse)
{
    struct refusal no;
    struct book book;
    size_t at;
    CreateRuleRequest wish = PENSTOCK__ORDERS__V1__CREATE_RULE_REQUEST__INIT;
    wish.name = in->name;
    wish.is_enabled = in->is_enabled;
    wish.conditions = in->conditions;
    wish.actions = in->actions;
    wish.n_actions = in->n_actions;
    wish.stops = in->stops;
    if (!rules_auto_check(&wish, &no))
        return refuse_by(call, &no);
    TRY(find_rule(call, in->id, &book, &at));
    bool needed_history = needs_history(&book);
    out->rule = new_rule(call, &wish, book.rules[at]->id, book.rules[at]->version + 1);
    take_out(&book, at);
    put_in(&book, out->rule, in->place > 0 ? in->place : (int32_t)at + 1);
    return save_book(call, &book, needed_history, out->rule, false);
}

ORDERS_HANDLER(delete_rule, DeleteRuleRequest, DeleteRuleResponse)
{
    struct book book;
    size_t at;
    (void)out;
    TRY(find_rule(call, in->id, &book, &at));
    const Rule *rule = book.rules[at];
    take_out(&book, at);
    return save_book(call, &book, true, rule, true);
}

ORDERS_HANDLER(list_rules, ListRulesRequest, ListRulesResponse)
{
    struct book book;
    size_t from = 0, limit = in->limit == 0 ? AUTO_MAX_RULES : (size_t)in->limit;
    if (in->limit < 0 || limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A page has 1 to 200.");
    TRY(load_book(call, &book));
    if (in->cursor[0] != '\0' && (from = place_of(&book, in->cursor) + 1) > book.count)
        return refuse(call, STATUS_INVALID, "invalid", "cursor", "This is no cursor of this list.");
    out->data = book.rules + from;
    out->n_data = book.count - from < limit ? book.count - from : limit;
    if (from + out->n_data < book.count)
        out->next_cursor = out->data[out->n_data - 1]->id;
    return STATUS_OK;
}

/* ---- the blacklist ---- */

static BlacklistEntry *view_entry(struct arena *arena, const struct blacklist_row *row)
{
    BlacklistEntry *entry = ARENA_NEW(arena, BlacklistEntry);
    penstock__orders__v1__blacklist_entry__init(entry);
    entry->id = wire_uuid(arena, &row->id);
    entry->kind = (Penstock__Orders__V1__BlacklistKind)row->kind;
    entry->value = wire_text(row->value);
    entry->reason = wire_text(row->reason);
    entry->added_at_us = row->added_at_us;
    entry->added_by = wire_text(row->added_by);
    return entry;
}

static enum status emit_blacklist(struct call *call, const struct blacklist_row *row,
                                  bool is_removed)
{
    Penstock__Orders__V1__BlacklistChanged event;
    rules_forget(call);
    penstock__orders__v1__blacklist_changed__init(&event);
    event.entry_id = wire_uuid(call->arena, &row->id);
    event.kind = (Penstock__Orders__V1__BlacklistKind)row->kind;
    event.is_removed = is_removed;
    return emit(call, arena_printf(call->arena, "blacklist:%s", event.entry_id), &event.base);
}

static enum status check_entry(struct call *call, const AddToBlacklistRequest *in, struct uuid *key)
{
    struct refusal no;
    int64_t count;
    if ((int)in->kind < BLACKLIST_PHONE || (int)in->kind > BLACKLIST_ADDRESS)
        return refuse(call, STATUS_INVALID, "required", "kind",
                      "A kind is phone, email or address.");
    if (!rules_check_text(in->value, 255, &no, "value") ||
        !rules_check_text(in->reason, 200, &no, "reason"))
        return refuse_by(call, &no);
    *key = rules_blacklist_key((enum blacklist_kind)in->kind, in->value, call->arena);
    if (uuid_is_nil(key))
        return refuse(call, STATUS_INVALID, "required", "value", "The value comes to nothing.");
    TRY(store_blacklist_count(call->db, &count));
    if (count >= AUTO_MAX_BLACKLIST)
        return refuse(call, STATUS_CONFLICT, "too_many", "",
                      "The blacklist has 10,000 entries: that is the most.");
    return STATUS_OK;
}

/* Who is on it already is what was asked for. */
ORDERS_HANDLER(add_to_blacklist, AddToBlacklistRequest, AddToBlacklistResponse)
{
    struct uuid key;
    struct blacklist_row *known;
    TRY(check_entry(call, in, &key));
    TRY(store_blacklist_by_key(call->db, &key, &known));
    struct blacklist_row added = {.id = uuid_new(),
                                  .kind = (int32_t)in->kind,
                                  .value = in->value,
                                  .reason = in->reason,
                                  .added_by = call->actor,
                                  .added_at_us = call->now_us};
    out->entry = view_entry(call->arena, known != NULL ? known : &added);
    if (known != NULL)
        return STATUS_OK;
    TRY(store_blacklist_add(call->db, &added, &key));
    return emit_blacklist(call, &added, false);
}

ORDERS_HANDLER(remove_from_blacklist, RemoveFromBlacklistRequest, RemoveFromBlacklistResponse)
{
    struct uuid id;
    struct blacklist_row *row = NULL;
    (void)out;
    if (uuid_parse(in->id, &id))
        TRY(store_blacklist_by_id(call->db, &id, &row));
    if (row == NULL)
        return refuse(call, STATUS_NOT_FOUND, "not_found", "id", "There is no such entry.");
    TRY(store_blacklist_remove(call->db, &id));
    return emit_blacklist(call, row, true);
}

ORDERS_HANDLER(list_blacklist, ListBlacklistRequest, ListBlacklistResponse)
{
    struct uuid after = {{0}};
    struct blacklist_row *rows;
    size_t count;
    int64_t limit = in->limit == 0 ? DEFAULT_LIMIT : in->limit;
    if (limit < 1 || limit > MAX_LIMIT)
        return refuse(call, STATUS_INVALID, "out_of_range", "limit", "A page has 1 to 200.");
    if (in->cursor[0] != '\0' && !uuid_parse(in->cursor, &after))
        return refuse(call, STATUS_INVALID, "invalid", "cursor", "This is no cursor of this list.");
    TRY(store_blacklist_page(call->db, &after, limit + 1, &rows, &count));
    if (count > (size_t)limit) {
        count = (size_t)limit;
        out->next_cursor = wire_uuid(call->arena, &rows[count - 1].id);
    }
    out->data = ARENA_ARRAY(call->arena, count, BlacklistEntry *);
    for (size_t i = 0; i < count; i++)
        out->data[out->n_data++] = view_entry(call->arena, &rows[i]);
    return STATUS_OK;
}
