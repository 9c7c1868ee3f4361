// What a list of orders is narrowed by, as the URL says it, as the search field is understood, and as the API takes it.
import type { Request } from "../../api/client";
import type { FulfillmentStatus, OrderStatus, PaymentStatus } from "../../api/schema.gen";
import { asIs, type Phrase } from "../../i18n";
import { withQuery } from "../../ui/router";
import { fulfillmentWords, orderWords, paymentWords } from "../../ui/Status";
import { o } from "./words";

export const FILTERS = ["status", "payment", "fulfillment", "channel", "customer", "sku", "number", "external", "from", "before"] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Partial<Record<FilterName, string>>;

export const filterLabels: Record<FilterName, Phrase> = {
    status: o.order, payment: o.payment, fulfillment: o.fulfillment, channel: o.channel, customer: o.customerIs,
    sku: o.sku, number: o.numberIs, external: o.externalIs, from: o.from, before: o.before,
};
/** A filter's value as a person reads it. */
export function valueLabel(name: FilterName, value: string): Phrase {
    const found = name === "status" ? orderWords[value as OrderStatus] : name === "payment" ? paymentWords[value as PaymentStatus] : name === "fulfillment" ? fulfillmentWords[value as FulfillmentStatus] : undefined;
    return found ? found[1] : asIs(value);
}

export function filtersOf(query: URLSearchParams): Filters {
    const found: Filters = {};
    for (const name of FILTERS) {
        const value = query.get(name);
        if (value) found[name] = value;
    }
    return found;
}

export const addressOf = (filters: Filters) => withQuery("/orders", new URLSearchParams(), filters as Record<string, string>);

const ALIASES: Record<string, FilterName> = {
    status: "status", payment: "payment", paid: "payment", fulfillment: "fulfillment", shipping: "fulfillment", channel: "channel",
    customer: "customer", email: "customer", phone: "customer", sku: "sku", number: "number", external: "external",
};
/** "status:pending placed:>2026-11-01 WEB-100007" in filters; a bare word is taken for what it looks like. */
export function understand(text: string): Filters {
    const found: Filters = {};
    for (const word of text.trim().split(/\s+/)) {
        const [, name, value] = /^(\w+):(.+)$/.exec(word) ?? [];
        const filter = name ? ALIASES[name.toLowerCase()] : undefined;
        if (filter && value) found[filter] = value;
        else if (name === "placed" && value) Object.assign(found, placedWithin(value));
        else if (word) found[looksLike(word)] = word;
    }
    return found;
}
function placedWithin(value: string): Filters {
    const [, sign, date] = /^([<>]?)(\d{4}-\d{2}-\d{2})$/.exec(value) ?? [];
    if (!date) return {};
    if (sign === "<") return { before: date };
    if (sign === ">") return { from: date };
    const next = new Date(`${date}T00:00:00Z`);
    next.setUTCDate(next.getUTCDate() + 1);
    return { from: date, before: next.toISOString().slice(0, 10) };
}
function looksLike(word: string): FilterName {
    if (word.includes("@") || /^\+?\d{6,15}$/.test(word)) return "customer";
    if (/^[a-z]{2,8}-\d{3,}[a-z]{0,2}(-[a-z]{1,2})?$/i.test(word)) return "number";
    return /^\d+$/.test(word) ? "external" : "sku";
}

/** Midnight where the operator is. */
const midnight = (date: string) => new Date(`${date}T00:00:00`).toISOString();
export function requestOf(filters: Filters): Request<"GET /v1/orders"> {
    return {
        status: filters.status as OrderStatus | undefined,
        payment_status: filters.payment as PaymentStatus | undefined,
        fulfillment_status: filters.fulfillment as FulfillmentStatus | undefined,
        channel: filters.channel,
        customer: filters.customer,
        sku: filters.sku,
        number: filters.number?.toUpperCase(),
        external_id: filters.external,
        placed_after: filters.from && midnight(filters.from),
        placed_before: filters.before && midnight(filters.before),
    };
}
