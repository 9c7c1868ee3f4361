/* customer.h -- the pages that a shop's customers see: the order behind a link, and the way to it.
 *
 *   /o/TOKEN   the order that a signed link is for: status, parcels, items, messages, a form to
 * write /track     number and telephone number, then the code that came by e-mail
 *
 * HTML without scripts, made from the templates in services/gateway/customer, in the language of
 * the order or of the browser. All that is shown has been masked by orders; what a customer may not
 * see never comes here. Every page looks and takes as long as any other of its kind: there is no
 * telling from outside whether an order exists.
 *
 * Ownership: customer_pages_open() makes, customer_pages_close() frees; read by any number of
 * threads. Limits: a form has 32 KiB.
 */
#pragma once

#include "common/status.h"
#include "services/gateway/gateway.h"

struct customer_pages;

/* Parses and checks every template; what is wrong is logged. */
enum status customer_pages_open(const struct gateway_conf *conf,
                                struct customer_pages **out) MUST_CHECK;
void customer_pages_close(struct customer_pages **pages);
