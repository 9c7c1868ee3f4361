/* store_messages.h -- threads, messages, canned replies and the customer's way in, as rows.
 *
 * Never decides. Internal notes are not here: store_notes.h.
 *
 * Ownership: what is loaded lives in the arena of the database's user.
 */
#pragma once

#include "common/db.h"
#include "rules_link.h"

enum direction { DIRECTION_CUSTOMER = 1, DIRECTION_STAFF = 2 };

struct thread_message {
    struct uuid order_id, id;
    int32_t direction;
    bool is_read;
    int64_t created_at_us;
    const char *author, *body;
};
/* A thread with its last message, and what the message centre shows of the order. */
struct thread {
    struct uuid order_id, last_message_id;
    int64_t unread, messages;
    bool is_closed;
    const char *assignee;
    const char *number, *channel, *customer_name, *locale;
    int32_t order_status;
    struct thread_message last;
};

/* The message, and its thread, which is made with the first. */
enum status store_message_add(struct db *db, const struct thread_message *message) MUST_CHECK;
/* Oldest first, after a message; nil: from the beginning. */
enum status store_messages_page(struct db *db, const struct uuid *order_id,
                                const struct uuid *after, int64_t limit,
                                struct thread_message **rows, size_t *count) MUST_CHECK;
/* Newest first. */
enum status store_messages_last(struct db *db, const struct uuid *order_id, int64_t limit,
                                struct thread_message **rows, size_t *count) MUST_CHECK;
enum status store_messages_by_id(struct db *db, const struct uuid *ids, size_t count,
                                 struct thread_message **rows, size_t *found) MUST_CHECK;
/* What the customer wrote since then. */
enum status store_messages_since(struct db *db, const struct uuid *order_id, int64_t since_us,
                                 int64_t *number) MUST_CHECK;

struct thread_filter {
    struct uuid before; /* last message; nil: from the newest */
    bool unread;
    int status;           /* 0 any, 1 open, 2 closed */
    const char *assignee; /* NULL any, "" nobody */
    const char *pattern;  /* of ILIKE; NULL any */
    int64_t limit;
};
enum status store_threads_list(struct db *db, const struct thread_filter *filter,
                               struct thread **threads, size_t *count) MUST_CHECK;
/* NOT_FOUND when nobody has written yet. */
enum status store_thread_load(struct db *db, const struct uuid *order_id,
                              struct thread **thread) MUST_CHECK;
/* Keeps unread, is_closed and assignee. */
enum status store_thread_save(struct db *db, const struct thread *thread) MUST_CHECK;
enum status store_thread_mark_read(struct db *db, const struct uuid *order_id) MUST_CHECK;
enum status store_thread_mark_unread(struct db *db, const struct uuid *order_id) MUST_CHECK;

struct thread_counts {
    int64_t unread_threads, unread_messages, open_threads, unassigned_threads;
};
/* assignee NULL: of all. */
enum status store_thread_counts(struct db *db, const char *assignee,
                                struct thread_counts *counts) MUST_CHECK;

/* ---- canned replies ---- */

struct canned_text {
    struct uuid reply_id;
    const char *locale, *body;
};
struct canned_reply {
    struct uuid id;
    const char *name;
    int64_t updated_at_us;
    const char *updated_by;
    struct canned_text *texts;
    size_t text_count;
};
enum status store_canned_page(struct db *db, const char *after_name, int64_t limit,
                              struct canned_reply **rows, size_t *count) MUST_CHECK;
enum status store_canned_load(struct db *db, const struct uuid *id,
                              struct canned_reply **reply) MUST_CHECK;
/* NOT_FOUND when no reply has the name. */
enum status store_canned_of_name(struct db *db, const char *name,
                                 struct canned_reply **reply) MUST_CHECK;
enum status store_canned_add(struct db *db, const struct canned_reply *reply) MUST_CHECK;
enum status store_canned_save(struct db *db, const struct canned_reply *reply) MUST_CHECK;
enum status store_canned_delete(struct db *db, const struct uuid *id) MUST_CHECK;

/* ---- links and lookups ---- */

/* The secret, and the versions of the orders' links, by the orders' index. */
struct links {
    uint8_t secret[LINK_SECRET_BYTES];
    const int32_t *versions;
};
enum status store_links_load(struct db *db, struct arena *arena, const struct uuid *order_ids,
                             size_t count, struct links *links) MUST_CHECK;
enum status store_links_end(struct db *db, const struct uuid *order_id) MUST_CHECK;

/* NOT_FOUND when nobody has asked so yet. */
enum status store_lookup_load(struct db *db, const struct uuid *key,
                              struct lookup **lookup) MUST_CHECK;
enum status store_lookups_by_codes(struct db *db, const struct uuid *code_ids, size_t count,
                                   struct lookup **lookups, size_t *found) MUST_CHECK;
enum status store_lookup_save(struct db *db, const struct lookup *lookup) MUST_CHECK;
enum status store_lookups_forget(struct db *db, int64_t before_us) MUST_CHECK;
