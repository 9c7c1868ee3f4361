#include "services/notify/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct maildir {
    int tmp, new;
};

/* ---- opening ---- */

static int open_folder(int parent, const char *name)
{
    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

enum status maildir_open(const char *path, struct maildir **out, int *error_number)
{
    struct maildir *maildir = malloc(sizeof(*maildir));
    if (maildir == NULL)
        abort();
    int root = open_folder(AT_FDCWD, path);
    *maildir = (struct maildir){-1, -1};
    int cur = -1;
    if (root >= 0) {
        maildir->tmp = open_folder(root, "tmp");
        maildir->new = open_folder(root, "new");
        cur = open_folder(root, "cur"); /* for those who read */
    }
    *error_number = errno;
    enum status status =
        maildir->tmp < 0 || maildir->new < 0 || cur < 0 ? STATUS_INVALID : STATUS_OK;
    if (root >= 0)
        close(root);
    if (cur >= 0)
        close(cur);
    *out = maildir;
    if (status != STATUS_OK)
        maildir_close(out);
    return status;
}

void maildir_close(struct maildir **maildir)
{
    if (*maildir == NULL)
        return;
    if ((*maildir)->tmp >= 0)
        close((*maildir)->tmp);
    if ((*maildir)->new >= 0)
        close((*maildir)->new);
    free(*maildir);
    *maildir = NULL;
}

/* ---- writing ---- */

static int write_whole(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes += n;
        count -= (size_t)n;
    }
    return 0;
}

/* The file in tmp, on its way to the disk but not yet sure to be there. Returns its descriptor. */
static int start_file(struct maildir *maildir, struct maildir_mail *mail)
{
    int fd = openat(maildir->tmp, mail->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    mail->error = fd < 0 ? errno : write_whole(fd, mail->bytes, mail->count);
    if (mail->error == 0)
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return fd;
}

/* Waits until the disk has the bytes, and moves the file. */
static void finish_file(struct maildir *maildir, struct maildir_mail *mail, int fd)
{
    static const unsigned int all =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (fd >= 0 && mail->error == 0 && sync_file_range(fd, 0, 0, all) != 0)
        mail->error = errno;
    if (fd >= 0 && close(fd) != 0 && mail->error == 0)
        mail->error = errno;
    if (mail->error == 0 && renameat(maildir->tmp, mail->name, maildir->new, mail->name) != 0)
        mail->error = errno;
    if (mail->error != 0)
        unlinkat(maildir->tmp, mail->name, 0);
}

/* The bytes of all files are written first; then one fsync of the folder commits the file system's
 * journal, in which the files' sizes and their new names stand, and empties the disk's cache. An
 * fsync of each file would empty it each time, which a database beside us would feel at every
 * commit. */
static void write_some(struct maildir *maildir, struct maildir_mail *mails, size_t count, int *fds)
{
    for (size_t i = 0; i < count; i++)
        fds[i] = start_file(maildir, &mails[i]);
    for (size_t i = 0; i < count; i++)
        finish_file(maildir, &mails[i], fds[i]);
    int error = fsync(maildir->new) == 0 ? 0 : errno;
    for (size_t i = 0; i < count; i++) {
        if (mails[i].error == 0)
            mails[i].error = error;
    }
}

void maildir_write(struct maildir *maildir, struct maildir_mail *mails, size_t count)
{
    int fds[256]; /* files open at a time */
    static const size_t most = sizeof(fds) / sizeof(fds[0]);
    for (size_t i = 0; i < count; i += most)
        write_some(maildir, mails + i, count - i < most ? count - i : most, fds);
}
