#include "services/notify/letters.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"
#include "common/template.h"
#include "services/notify/letter_files.h"
#include "services/notify/rules.h"
#include "services/notify/views.h"

#define FILE_MAX_BYTES (256 << 10)
#define LETTERS_ARENA_BYTES ((size_t)32 << 20)

/* A part of a letter: the text that it came with, and the shop's own if there is one. */
struct slot {
    const char *source;
    struct template *original, *own;
};

struct letters {
    struct arena *arena; /* everything that lives as long as this does */
    const char *shop_name, *public_url;
    struct zone *zone;
    enum language fallback;
    int directory;     /* the shop's own templates; -1: none */
    const char *wrong; /* with the file that was read last; NULL: nothing */
    struct slot slots[MESSAGE_KIND_COUNT][LANGUAGE_COUNT][2]; /* by enum letter_part */
    struct arena *own;                                        /* the templates of letters_use() */
};

/* ---- files ---- */

static const char *built_in(const char *name)
{
    for (size_t i = 0; i < letter_nfiles; i++) {
        if (strcmp(letter_files[i].name, name) == 0)
            return letter_files[i].text;
    }
    return NULL;
}

/* Reads all of a file, or says with errno why not. */
static char *read_whole(struct arena *arena, int fd)
{
    char *text = arena_alloc(arena, FILE_MAX_BYTES + 2);
    size_t count = 0;
    ssize_t n = 0;
    while (count <= FILE_MAX_BYTES && (n = read(fd, text + count, FILE_MAX_BYTES + 1 - count)) > 0)
        count += (size_t)n;
    if (n < 0)
        return NULL;
    errno = EFBIG;
    return count <= FILE_MAX_BYTES ? text : NULL;
}

/* The shop's own file of this name, or NULL; then letters->wrong says why, unless there is just
 * none. Nothing but a file in that folder is opened, wherever a link may lead. */
static const char *from_directory(struct letters *letters, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, letters->directory, name, &how, sizeof(how));
    if (fd < 0 && errno == ENOENT)
        return NULL;
    const char *text = fd < 0 ? NULL : read_whole(letters->arena, fd);
    if (text == NULL)
        letters->wrong = arena_printf(letters->arena, "cannot read it: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return text;
}

static const char *file_text(void *context, const char *name)
{
    struct letters *letters = context;
    const char *own = letters->directory < 0 ? NULL : from_directory(letters, name);
    if (own != NULL || letters->wrong != NULL)
        return own;
    return built_in(name);
}

/* ---- opening ---- */

static enum template_kind kind_of(enum letter_part part)
{
    return part == LETTER_HTML ? TEMPLATE_HTML : TEMPLATE_TEXT;
}

static struct view_context context_in(const struct letters *letters, struct arena *arena,
                                      enum language language)
{
    return (struct view_context){arena, letters->shop_name, letters->public_url, letters->zone,
                                 language};
}

/* Parsed and checked; else a sentence in *message. */
static enum status make_template(const struct letters *letters, struct arena *arena,
                                 enum letter_part part, const char *text, struct template **out,
                                 const char **message)
{
    const struct view_context context = context_in(letters, arena, LANGUAGE_EN);
    if (part == LETTER_TEXT && strncmp(text, "Subject: ", 9) != 0) {
        *message = "line 1: the first line is not \"Subject: ...\"";
        return STATUS_INVALID;
    }
    /* Parts are read through the letters, which keep what was wrong with the last. */
    void *parts = (void *)(uintptr_t)letters;
    TRY(template_parse(arena, kind_of(part), text, file_text, parts, out, message));
    return template_check(*out, views_sample(&context), arena, message);
}

static enum status read_template(struct letters *letters, enum letter_part part, const char *name,
                                 struct slot *slot, const char **message)
{
    const char *wrong = "there is no such file";
    slot->source = file_text(letters, name);
    enum status status =
        slot->source == NULL
            ? STATUS_INVALID
            : make_template(letters, letters->arena, part, slot->source, &slot->original, &wrong);
    if (letters->wrong != NULL)
        wrong = letters->wrong;
    if (status != STATUS_OK)
        *message = arena_printf(letters->arena, "template %s: %s", name, wrong);
    return status;
}

static enum status read_templates(struct letters *letters, const char **message)
{
    for (int kind = 1; kind <= MESSAGE_KIND_COUNT; kind++) {
        for (int language = 0; language < LANGUAGE_COUNT; language++) {
            struct slot *slots = letters->slots[kind - 1][language];
            const char *stem =
                arena_printf(letters->arena, "%s.%s", rules_kind_name((enum message_kind)kind),
                             wording_language_tag((enum language)language));
            const char *html = arena_printf(letters->arena, "%s.html", stem);
            const char *text = arena_printf(letters->arena, "%s.txt", stem);
            TRY(read_template(letters, LETTER_HTML, html, &slots[LETTER_HTML], message));
            TRY(read_template(letters, LETTER_TEXT, text, &slots[LETTER_TEXT], message));
        }
    }
    return STATUS_OK;
}

/* The shop's first language is the one for customers of whom we know none. */
static enum status read_settings(struct letters *letters, const struct notify_conf *conf,
                                 const char **message)
{
    size_t count = strcspn(conf->shop_languages, ", ");
    const char *first = arena_strndup(letters->arena, conf->shop_languages, count);
    if (!wording_language_parse(first, &letters->fallback)) {
        *message = "shop_languages must begin with zh-Hant or en";
        return STATUS_INVALID;
    }
    if (zone_open(conf->shop_time_zone, &letters->zone) != STATUS_OK) {
        *message = arena_printf(letters->arena, "there is no time zone \"%s\" on this machine",
                                conf->shop_time_zone);
        return STATUS_INVALID;
    }
    if (*conf->template_directory == '\0')
        return STATUS_OK;
    letters->directory = open(conf->template_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (letters->directory >= 0)
        return STATUS_OK;
    *message = arena_printf(letters->arena, "cannot open template_directory %s: %s",
                            conf->template_directory, strerror(errno));
    return STATUS_INVALID;
}

enum status letters_open(const struct notify_conf *conf, struct arena *arena, struct letters **out,
                         const char **message)
{
    struct letters *letters = calloc(1, sizeof(*letters));
    if (letters == NULL)
        abort();
    letters->arena = arena_open(LETTERS_ARENA_BYTES);
    letters->own = arena_open(LETTERS_ARENA_BYTES);
    letters->shop_name = arena_strdup(letters->arena, conf->shop_name);
    letters->public_url = arena_strdup(letters->arena, conf->shop_public_url);
    letters->directory = -1;
    enum status status = read_settings(letters, conf, message);
    if (status == STATUS_OK)
        status = read_templates(letters, message);
    if (status != STATUS_OK) {
        *message = arena_strdup(arena, *message);
        letters_close(&letters);
    }
    *out = letters;
    return status;
}

void letters_close(struct letters **letters)
{
    if (*letters == NULL)
        return;
    zone_close(&(*letters)->zone);
    if ((*letters)->directory >= 0)
        close((*letters)->directory);
    arena_close(&(*letters)->arena);
    arena_close(&(*letters)->own);
    free(*letters);
    *letters = NULL;
}

/* ---- a shop's own texts ---- */

const char *letters_original(const struct letters *letters, enum message_kind kind,
                             enum language language, enum letter_part part)
{
    return letters->slots[kind - 1][language][part].source;
}

enum status letters_check(const struct letters *letters, struct arena *arena, enum letter_part part,
                          const char *text, const char **message)
{
    struct template *template;
    return make_template(letters, arena, part, text, &template, message);
}

void letters_use(struct letters *letters, const struct letter_own *own, size_t count)
{
    for (int kind = 0; kind < MESSAGE_KIND_COUNT; kind++) {
        for (int language = 0; language < LANGUAGE_COUNT; language++) {
            letters->slots[kind][language][LETTER_HTML].own = NULL;
            letters->slots[kind][language][LETTER_TEXT].own = NULL;
        }
    }
    arena_reset(letters->own);
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &letters->slots[own[i].kind - 1][own[i].language][own[i].part];
        const char *text = arena_strdup(letters->own, own[i].text), *wrong = "";
        if (make_template(letters, letters->own, own[i].part, text, &slot->own, &wrong) ==
            STATUS_OK)
            continue;
        slot->own = NULL;
        log_warn("template_unfit", "A template of the shop does not fit any more; its file is used",
                 LOG_TEXT("template", rules_kind_name(own[i].kind)), LOG_TEXT("reason", wrong));
    }
}

/* ---- writing ---- */

static const char *rendered(struct arena *arena, const struct template *template,
                            const struct view *view)
{
    struct buffer text = buffer_open(arena, 8192);
    template_render(template, view, &text);
    return text.bytes;
}

static const char *inert(struct arena *arena, const char *text)
{
    struct buffer out = buffer_open(arena, strlen(text));
    template_add_inert(&out, TEMPLATE_TEXT, text);
    return out.bytes;
}

/* "Subject: ..." stands on the first line, which no field can end. */
static void split_subject(struct arena *arena, const char *text, struct letter *out)
{
    text += strlen("Subject: ");
    size_t count = strcspn(text, "\r\n");
    out->subject = arena_strndup(arena, text, count);
    text += count;
    text += strspn(text, "\r\n");
    out->text = text;
}

static enum language language_of(const struct letters *letters,
                                 const struct letter_subject *subject)
{
    const char *locale = subject->locale != NULL ? subject->locale : subject->contact->locale;
    return wording_language(locale, letters->fallback);
}

static const struct template *in_use(const struct slot *slot)
{
    return slot->own != NULL ? slot->own : slot->original;
}

void letters_write(const struct letters *letters, struct arena *arena,
                   const struct letter_subject *subject, int64_t now_us, struct letter *out)
{
    const Contact *contact = subject->contact;
    *out = (struct letter){.language = language_of(letters, subject)};
    const struct view_context context = context_in(letters, arena, out->language);
    const struct view *view = views_of(&context, subject);
    const struct slot *slots = letters->slots[subject->kind - 1][out->language];
    out->html = rendered(arena, in_use(&slots[LETTER_HTML]), view);
    split_subject(arena, rendered(arena, in_use(&slots[LETTER_TEXT]), view), out);
    out->to_name = contact->customer == NULL ? "" : inert(arena, contact->customer->name);
    out->date_offset_s = zone_offset_s(letters->zone, now_us);
}

void letters_preview(const struct letters *letters, struct arena *arena, enum letter_part part,
                     const char *text, const struct letter_subject *subject,
                     const char **subject_line, const char **body)
{
    struct letter letter = {.subject = ""};
    struct template *template;
    const char *wrong;
    const struct view_context context = context_in(letters, arena, language_of(letters, subject));
    enum status status = make_template(letters, arena, part, text, &template, &wrong);
    assert(status == STATUS_OK);
    const char *written = rendered(arena, template, views_of(&context, subject));
    *body = written;
    if (part == LETTER_TEXT) {
        split_subject(arena, written, &letter);
        *body = letter.text;
    }
    *subject_line = letter.subject;
}
