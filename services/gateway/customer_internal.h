/* customer_internal.h -- what the parts of the customer's pages share. Private to customer*.c. */
#pragma once

#include "common/template.h"
#include "common/wording.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "services/gateway/customer.h"

typedef Penstock__Orders__V1__CustomerPage CustomerPage;
typedef Penstock__Fulfillment__V1__ListFulfillmentsResponse ListFulfillmentsResponse;

#define NONCE_TEXT_BYTES 25

enum page_kind { PAGE_ORDER, PAGE_TRACK, PAGE_NOTICE, PAGE_COUNT };

struct customer_pages {
    struct arena *arena;
    const char *shop_name;
    struct zone *zone;
    enum language fallback;
    struct template *templates[PAGE_COUNT];
};

/* What a page says; texts that do not apply are NULL. */
struct page_view {
    struct arena *arena;
    const struct customer_pages *pages;
    enum language language;
    const char *style_nonce; /* for the style element, and the policy that lets it in */
    const char *form_nonce;  /* makes a form that is sent twice one message */
    /* PAGE_ORDER */
    const CustomerPage *order;
    const ListFulfillmentsResponse *work; /* NULL: fulfillment does not answer */
    const char *action;                   /* where the form goes */
    const char *draft;                    /* what was typed and could not be sent */
    bool was_sent;
    /* PAGE_TRACK */
    const char *number, *phone;
    bool asks_code;
    /* any */
    const char *error; /* a sentence */
    const char *title, *text;
    bool is_sample; /* every list has something in it */
};

/* ---- customer_words.c: everything that is said, in each language ---- */

/* The texts that templates name t_..., at most ROOM of them. */
#define WORDS_ROOM 64
size_t words_values(enum language language, struct view_value *values);
/* One of them by its name. */
const char *words(enum language language, const char *name);
/* A status as a word and the tone in which it is shown. */
struct status_word {
    const char *text, *tone;
};
struct status_word words_order_status(enum language language, int status);
struct status_word words_payment_status(enum language language, int status);
struct status_word words_fulfillment_status(enum language language, int status);
struct status_word words_return_status(enum language language, int status);
struct status_word words_parcel_status(enum language language, int status);
/* The best of what a browser accepts that we have, or the fallback. */
enum language words_accepted(const char *accept_language, enum language fallback);

/* ---- customer_view.c ---- */

const struct view *customer_view(const struct page_view *page);
/* One with something in every list, to check templates against. */
const struct view *customer_sample(struct arena *arena, const struct customer_pages *pages,
                                   enum language language);

/* ---- the templates, as they are built into the binary (tools/files.awk) ---- */

struct customer_file {
    const char *name, *text;
};
extern const struct customer_file customer_files[];
extern const size_t customer_nfiles;
