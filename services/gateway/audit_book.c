/* What an HTTP thread notes: the first of a kind at once, the rest once a minute. */
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/audit_internal.h"

#define SLOTS 1024
#define MINUTE_US INT64_C(60000000)

struct slot {
    uint64_t hash; /* of the kind */
    int64_t since_us;
    struct audit_box *more; /* the kind, with how many there were after the first; NULL: unused */
};
struct audit_book {
    struct bus_channel *channel;
    uint8_t key[crypto_shorthash_KEYBYTES];
    struct slot slots[SLOTS];
    _Atomic int64_t *waiting; /* the audit thread's, which outlives this */
    int64_t left_out;
};

struct audit_box *audit_box_new(const struct audit_note *note)
{
    const char *texts[] = {note->actor, note->action, note->route, note->target, note->address};
    size_t bytes = 0;
    for (size_t i = 0; i < 5; i++)
        bytes += strlen(texts[i]) + 1;
    struct audit_box *box = malloc(sizeof *box + bytes);
    assert(box != NULL);
    box->note = *note;
    const char **copies[] = {&box->note.actor, &box->note.action, &box->note.route,
                             &box->note.target, &box->note.address};
    char *to = box->texts;
    for (size_t i = 0; i < 5; i++) {
        *copies[i] = to;
        to = stpcpy(to, texts[i]) + 1;
    }
    return box;
}

static uint64_t hash_note(const struct audit_book *book, const struct audit_note *note)
{
    const char *texts[] = {note->actor, note->action, note->route, note->target, note->address};
    uint64_t sum = 0;
    for (size_t i = 0; i < 5; i++) {
        uint8_t hash[crypto_shorthash_BYTES];
        uint64_t number;
        crypto_shorthash(hash, (const uint8_t *)texts[i], strlen(texts[i]), book->key);
        memcpy(&number, hash, sizeof number);
        sum = (sum << 7 | sum >> 57) ^ number;
    }
    return sum;
}

/* Takes the box over. */
static void send(struct audit_book *book, struct audit_box *box)
{
    if (atomic_load_explicit(book->waiting, memory_order_relaxed) >= AUDIT_MAX_WAITING) {
        book->left_out++;
        free(box);
        return;
    }
    atomic_fetch_add(book->waiting, 1);
    bus_channel_send(book->channel, box);
}

static void close_slot(struct audit_book *book, struct slot *slot)
{
    struct audit_box *more = slot->more;
    slot->more = NULL;
    if (more == NULL)
        return;
    if (more->note.times > 0)
        send(book, more);
    else
        free(more);
}

void audit_book_note(struct audit_book *book, const struct audit_note *note, int64_t now_us)
{
    uint64_t hash = hash_note(book, note);
    struct slot *slot = &book->slots[hash % SLOTS];
    if (slot->more != NULL && slot->hash == hash && now_us - slot->since_us < MINUTE_US) {
        slot->more->note.times++;
        slot->more->note.at_us = note->at_us;
        return;
    }
    close_slot(book, slot);
    send(book, audit_box_new(note));
    *slot = (struct slot){hash, now_us, audit_box_new(note)};
    slot->more->note.times = 0;
}

void audit_book_look(struct audit_book *book, int64_t now_us)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (book->slots[i].more != NULL && now_us - book->slots[i].since_us >= MINUTE_US)
            close_slot(book, &book->slots[i]);
    if (book->left_out == 0)
        return;
    log_error("audit_left_out", "Entries of the audit were left out: the database does not keep up",
              LOG_INT("count", book->left_out));
    book->left_out = 0;
}

/* What comes back says nothing: a note is not answered. */
static void on_nothing(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

struct audit_book *audit_book_open(struct audit *audit, struct bus_loop *loop, int http_thread)
{
    char name[AUDIT_CHANNEL_NAME_BYTES];
    struct audit_book *book = calloc(1, sizeof *book);
    assert(book != NULL);
    crypto_shorthash_keygen(book->key);
    book->waiting = audit_waiting(audit);
    book->channel =
        bus_channel_connect(loop, audit_channel_name(http_thread, name), on_nothing, book);
    return book;
}

void audit_book_close(struct audit_book **book)
{
    if (*book == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        close_slot(*book, &(*book)->slots[i]);
    free(*book);
    *book = NULL;
}
