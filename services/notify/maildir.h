/* maildir.h -- mails as files: written to tmp, made durable, then moved to new.
 *
 * A mail's file has a name of its own, made from its message, so that writing it again replaces it
 * and never doubles it. A batch shares one sync (see maildir.c), so that large batches are cheap;
 * it is made for file systems with one journal, such as ext4 and XFS.
 *
 * Ownership: maildir_open() makes, maildir_close() frees; used by one thread, and any number of
 * them may be open on one folder.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/status.h"

struct maildir;
struct maildir_mail {
    const char *name; /* of the file; no slash */
    const char *bytes;
    size_t count;
    int error; /* out: 0 when the mail is in new and durable, else an errno */
};

/* Makes the folders that are missing, mode 0700. On failure *error_number says why. */
enum status maildir_open(const char *path, struct maildir **out, int *error_number) MUST_CHECK;
void maildir_close(struct maildir **maildir);
void maildir_write(struct maildir *maildir, struct maildir_mail *mails, size_t count);
