/* handlers.h -- what notify answers, what it listens to, and how it sends: the tables of main.c. */
#pragma once

#include "common/service.h"
#include "services/notify/notify.h"

/* The state of the writer and of each lane. */
struct notify {
    const struct notify_conf *conf;
    const char *message_id_domain;
    struct uuid run_id; /* the writer's present life, see sending_recover */
};

/* Why a message was never meant to be sent: the order said so. Stored. */
#define REASON_SWITCHED_OFF "switched_off"
/* Why this one message was not meant to be sent; others of the order may. Stored. */
#define REASON_NOT_ASKED_FOR "not_asked_for"
/* Why there is nobody to write to. Stored. */
#define REASON_NO_ADDRESS "no_address"
#define REASON_ERASED "erased"
/* What it would have said is gone, or good no longer. Stored. */
#define REASON_EXPIRED "expired"

const char *notify_follows(const ProtobufCMessage *event);
extern const struct route notify_routes[];
extern const struct subscription notify_subscriptions[];
extern const struct outcall notify_outcalls[];

void *notify_open(void *conf);
enum status notify_lead(struct call *call);
enum status notify_start(const struct service *service, struct bus *bus, void *conf);
void notify_stop(void);
