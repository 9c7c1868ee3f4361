// What the list of orders is narrowed by: one text, as the search field, the URL, a saved view and the server have it.
// Here it is taken apart into its words, so that each has a chip, and put together again by the filter form.
import type { FulfillmentStatus, OrderStatus, PaymentStatus, ReturnStatus } from "../../api/schema.gen";
import { asIs, type Phrase } from "../../i18n";
import { fulfillmentWords, orderWords, paymentWords, returnWords } from "../../ui/Status";
import { o } from "./words";

/** The words of a query; quotes keep blanks together. */
export function tokensOf(query: string): string[] {
    return query.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
}
/** "-status:pending" in its parts; a word without a key is one that is looked for anywhere. */
export function partsOf(token: string): { isNot: boolean; key: string | null; value: string } {
    const [, minus = "", key, value = ""] = /^(-?)(?:([a-z]+):)?(.*)$/is.exec(token) ?? [];
    return { isNot: minus === "-", key: key?.toLowerCase() ?? null, value: value.replace(/^"|"$/g, "") };
}

export const FIELDS = ["status", "payment", "fulfillment", "return", "hold", "channel", "tag", "customer", "sku", "country", "from", "before"] as const;
export type FieldName = (typeof FIELDS)[number];
export type Fields = Partial<Record<FieldName, string>>;
export const fieldLabels: Record<FieldName, Phrase> = {
    status: o.order, payment: o.payment, fulfillment: o.fulfillment, return: o.returns, hold: o.onHold, channel: o.channel, tag: o.tag,
    customer: o.customerIs, sku: o.sku, country: o.country, from: o.from, before: o.before,
};
/** The field of the form that a word stands for. */
function fieldOf(token: string): [FieldName, string] | null {
    const { isNot, key, value } = partsOf(token);
    if (isNot || key === null) return null;
    const [, from] = key === "placed" ? (/^>=(\d{4}-\d{2}-\d{2})$/.exec(value) ?? []) : [];
    const [, before] = key === "placed" ? (/^<(\d{4}-\d{2}-\d{2})$/.exec(value) ?? []) : [];
    if (from) return ["from", from];
    if (before) return ["before", before];
    return (FIELDS as readonly string[]).includes(key) ? [key as FieldName, value] : null;
}
export function fieldsOf(query: string): Fields {
    return Object.fromEntries(tokensOf(query).flatMap((token) => [fieldOf(token)]).filter((found) => found !== null));
}
const quoted = (value: string) => (/\s/.test(value) ? `"${value}"` : value);
/** The query with the form's fields set anew; its other words stay. */
export function withFields(query: string, fields: Fields): string {
    const others = tokensOf(query).filter((token) => fieldOf(token) === null);
    const set = FIELDS.filter((name) => fields[name]?.trim()).map((name) => {
        const value = quoted(fields[name]?.trim() ?? "");
        return name === "from" ? `placed:>=${value}` : name === "before" ? `placed:<${value}` : `${name}:${value}`;
    });
    return [...set, ...others].join(" ");
}

const WORDS = { status: orderWords, payment: paymentWords, fulfillment: fulfillmentWords, return: returnWords };
/** A word of the query as a person reads it. */
export function tokenLabel(token: string): readonly [label: Phrase | null, value: Phrase, isNot: boolean] {
    const field = fieldOf(token), { isNot, key, value } = partsOf(token);
    if (field?.[0] === "from" || field?.[0] === "before") return [fieldLabels[field[0]], asIs(field[1]), false];
    const word = key !== null && key in WORDS ? WORDS[key as keyof typeof WORDS][value as OrderStatus & PaymentStatus & FulfillmentStatus & ReturnStatus] : undefined;
    const label = key !== null && (FIELDS as readonly string[]).includes(key) ? fieldLabels[key as FieldName] : key !== null ? asIs(key) : null;
    return [label, word ? word[1] : asIs(value), isNot];
}
export const addressOf = (query: string) => (query.trim() ? `/orders?${new URLSearchParams({ q: query.trim() })}` : "/orders");
