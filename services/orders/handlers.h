/* handlers.h -- what the handlers of the orders service share, and the tables that main.c hands
 * over.
 *
 * Every handler reads: check, load, decide (rules.h), write (store.h), emit, reply. What a handler
 * refuses has written nothing; the rules that change an aggregate in memory are called only when
 * nothing can refuse after them.
 *
 * Ownership: all of it is const, or lives in the call.
 */
#pragma once

#include "common/service.h"
#include "orders.h"
#include "rules.h"
#include "store.h"
#include "view.h"

struct orders_conf {
    char *shop_name, *shop_time_zone, *shop_public_url;
    int64_t notify_max_age_hours;
};
extern const struct conf_key orders_conf_keys[];
extern const struct counter orders_counters[];
extern const struct route orders_routes[];
extern const struct subscription orders_subscriptions[];
extern const struct projection orders_projections[];
extern const struct timer orders_timers[];
extern const struct outcall orders_outcalls[];
extern const ProtobufCMessageDescriptor *const orders_events[];

/* As HANDLER() of service.h, but visible to the route table. */
#define ORDERS_HANDLER(fn, In, Out)                                                                \
    static enum status fn##_typed(struct call *call, const In *in, Out *out);                      \
    enum status fn(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out)           \
    {                                                                                              \
        return fn##_typed(call, (const In *)in, (Out *)out);                                       \
    }                                                                                              \
    static enum status fn##_typed(struct call *call, const In *in, Out *out)

batch_fn place_orders, import_orders;
handler_fn get_order, list_orders, get_timeline, get_contacts;
handler_fn confirm_order, cancel_order, place_hold, release_hold, record_payment, record_refund;
handler_fn upsert_channel;
handler_fn split_order, preview_split, unsplit_order, list_ship_together, compare_recipients;
handler_fn approve_refund, decline_refund, retry_refund, list_refunds;
handler_fn get_refund_policy, update_refund_policy;
handler_fn preview_edit, edit_order, list_versions, get_version;
handler_fn create_import, list_imports, get_import, add_import_part, check_import_file;
handler_fn run_import, cancel_import, list_import_errors;
handler_fn create_draft, get_draft, list_drafts, update_draft, delete_draft;
handler_fn hold_draft, release_draft, place_draft, preview_draft, preview_order;
handler_fn list_delivery_methods, put_delivery_method, delete_delivery_method;
handler_fn list_customers, get_customer, create_customer, update_customer, list_customer_orders;
handler_fn put_customer_address, delete_customer_address;
handler_fn list_merge_suggestions, merge_customers, unmerge_customer;
handler_fn export_customer, erase_customer;
handler_fn tag_order, list_tags, export_orders;
handler_fn start_bulk, preview_bulk, get_bulk, list_bulks, cancel_bulk, list_bulk_results;
handler_fn create_view, update_view, delete_view, list_views, count_views;
handler_fn create_rule, update_rule, delete_rule, list_rules, dry_run_rule;
handler_fn add_to_blacklist, remove_from_blacklist, list_blacklist;
batch_fn on_stock_allocated, on_stock_released;
batch_fn on_fulfillment_picked, on_fulfillment_packed, on_fulfillment_shipped;
batch_fn on_order_grouped, on_order_ungrouped;
batch_fn on_fulfillment_cancelled, on_parcel_delivered;
batch_fn on_return_requested, on_return_approved, on_return_received;
batch_fn on_return_inspected, on_return_ended;
batch_fn project_search;
/* Messages, notes, canned replies, and the customer's own page. */
handler_fn post_message, list_order_messages, list_threads, count_threads, get_thread;
handler_fn read_thread, unread_thread, assign_thread, close_thread, reopen_thread;
handler_fn set_shipping_remark, add_note, list_notes, get_letter_texts;
handler_fn list_canned_replies, create_canned_reply, update_canned_reply, delete_canned_reply;
handler_fn preview_canned_reply, create_order_link, revoke_order_links, get_customer_page;
handler_fn post_customer_message, request_order_code, redeem_order_code;
enum status forget_lookups(struct call *call);
void strip_message(ProtobufCMessage *out, struct arena *arena);
enum status render_message(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
void strip_note(ProtobufCMessage *out, struct arena *arena);
enum status render_note(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
void strip_thread(ProtobufCMessage *out, struct arena *arena);
enum status render_thread(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
batch_fn project_search, project_customers;
enum status expire_holds(struct call *call);
enum status erase_customers(struct call *call);
enum status follow_rules(struct call *call);

/* Questions (service.h, struct ask). */
typedef enum status ask_fn(struct call *call, const ProtobufCMessage *in,
                           ProtobufCMessage *question);
enum status ask_reserve_for_place(struct call *call, const ProtobufCMessage *in,
                                  ProtobufCMessage *question);
ask_fn ask_reserve_for_draft, ask_release_for_update, ask_release_for_delete;
ask_fn ask_release_for_release, ask_create_for_hold, ask_extend_for_hold;
ask_fn ask_quote_for_order, ask_quote_for_draft;
enum status ask_reserve_for_import(struct call *call, const ProtobufCMessage *in,
                                   ProtobufCMessage *question);
enum status ask_stop_for_cancel(struct call *call, const ProtobufCMessage *in,
                                ProtobufCMessage *question);
enum status ask_stop_for_import(struct call *call, const ProtobufCMessage *in,
                                ProtobufCMessage *question);
enum status ask_reserve_for_edit(struct call *call, const ProtobufCMessage *in,
                                 ProtobufCMessage *question);
enum status ask_stop_for_edit(struct call *call, const ProtobufCMessage *in,
                              ProtobufCMessage *question);
enum status ask_quote_for_preview(struct call *call, const ProtobufCMessage *in,
                                  ProtobufCMessage *question);
enum status ask_stop_for_split(struct call *call, const ProtobufCMessage *in,
                               ProtobufCMessage *question);
enum status ask_stop_for_unsplit(struct call *call, const ProtobufCMessage *in,
                                 ProtobufCMessage *question);
int place_timeout_ms(const ProtobufCMessage *in);
int import_timeout_ms(const ProtobufCMessage *in);
void strip_placed(ProtobufCMessage *out, struct arena *arena);
enum status render_placed(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);
/* For every other answer whose first field is the order. */
void strip_order(ProtobufCMessage *out, struct arena *arena);
enum status render_order(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);

void strip_split(ProtobufCMessage *out, struct arena *arena);
enum status render_split(struct call *call, const ProtobufCMessage *in, ProtobufCMessage *out);

/* ---- shared by handlers (handlers_common.c) ---- */

struct act act_of(const struct call *call);
/* Passes a rule's refusal on. */
enum status refuse_by(struct call *call, const struct refusal *no);
/* Loads by id or number, or refuses with not_found. field: which field named it. */
enum status load_order(struct call *call, const char *id_or_number, const char *field,
                       struct order **order);
/* Releases a hold that stands, and confirms what it kept from being confirmed; saving is the
 * caller's. channel: the order's, or NULL. */
enum status release_hold_of(struct call *call, struct order *order, const struct uuid *hold_id,
                            const struct channel *channel);
/* uuids made now, for rules that need new ids. */
struct uuid *new_ids(struct arena *arena, size_t count);

/* Which of the orders of a turn may be decided together: those of different (channel, external id).
 * The others wait for the next wave, which finds what this one has written. */
struct wave {
    struct call **calls;
    size_t count;
};
struct external_key {
    const char *channel, *external_id;
};
/* Takes the first call of each key out of waiting into the wave, and counts waiting down. */
typedef struct external_key key_of_fn(const struct call *call);
void wave_take(struct arena *arena, struct call **waiting, size_t *waiting_count, key_of_fn *key_of,
               struct wave *wave);
/* Channels and external ids of a wave, loaded with one query each. */
struct known {
    struct channel *channels;
    size_t channel_count;
    struct external *externals;
    size_t external_count;
    struct order_set orders; /* those of the externals */
};
enum status known_load(struct batch *batch, const struct wave *wave, key_of_fn *key_of,
                       struct known *known) MUST_CHECK;
struct channel *known_channel(const struct known *known, const char *name);
struct external *known_external(const struct known *known, const struct external_key *key);
enum status refuse_channel(struct call *call, const char *name);
/* The channel's next number; the channel counts it when the order is placed. */
const char *next_number(struct arena *arena, const struct channel *channel);

/* What inventory answered, per line of the order; NULL when nobody was asked or nobody answered.
 * False: the call is refused. */
bool read_reserve_answer(struct call *call, const PlaceOrderRequest *in, bool is_import,
                         const struct held **held);

/* Whose each order is, as the projection "customers" has it; for reads and lists. */
enum status view_order_customers(struct call *call, Order **orders, size_t count) MUST_CHECK;

/* ---- events (handlers_emit.c) ---- */

/* The lines as events tell them. */
Penstock__Orders__V1__PlacedLine **placed_lines(struct arena *arena, const struct order *order);
/* Orders of the past are taken over, not announced to their customers. */
bool is_news(const struct call *call, const struct order *order);
enum status emit_placed(struct call *call, const struct order *order, const PlaceOrderRequest *in);
enum status emit_changed(struct call *call, const struct order *order);
/* What the event of an edit tells besides the order. */
struct edited;
struct edit_tale {
    const struct edited *edited;
    int64_t total_before;
    bool notify_customer;
};
enum status emit_edited(struct call *call, const struct order *order, const struct edit_tale *tale);
enum status emit_contact_changed(struct call *call, const struct order *order);
enum status emit_confirmed(struct call *call, const struct order *order);
enum status emit_completed(struct call *call, const struct order *order);
enum status emit_cancelled(struct call *call, const struct order *order, const int64_t *cuts,
                           const struct uuid *stop_hold_id);
enum status emit_hold_placed(struct call *call, const struct order *order, const struct hold *hold);
enum status emit_hold_released(struct call *call, const struct order *order,
                               const struct hold *hold);
enum status emit_payment(struct call *call, const struct order *order,
                         const struct payment *payment);
enum status emit_refunds(struct call *call, const struct order *order, const struct refund *refunds,
                         size_t count);
/* Completes the order if it is complete, and says so; of its family's other members too, and what
 * of their payment has changed. */
enum status complete_if_due(struct call *call, struct order *order, const struct act *act);

/* ---- links to the customer's own page (handlers_customer.c) ---- */

/* Gives each contact its link, if the shop says where its pages are. ids: in the contacts' order.
 */
enum status add_links(struct call *call, const struct uuid *ids, size_t count,
                      Penstock__Orders__V1__GetContactsResponse *out) MUST_CHECK;
/* A new link; without a host if the shop does not say where its pages are. */
enum status order_link(struct call *call, const struct uuid *order_id, const char **url,
                       const char **token, int64_t *expires_at_us) MUST_CHECK;
