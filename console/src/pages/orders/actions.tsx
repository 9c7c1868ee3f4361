// What a person does with orders: one at a time with a preview and a way back, or many with a result for each.
import { call, Problem, type Request } from "../../api/client";
import type { Hold, Order } from "../../api/schema.gen";
import { money, t, type Phrase } from "../../i18n";
import { act, type Field, type Values } from "../../ui/action";
import { inBulk } from "../../ui/bulk";
import { isZero } from "../../ui/parts";
import { tell } from "../../ui/toasts";
import { w } from "../../ui/words";
import { hasEnded, openOf, shippedOf, shortOf, unitsOf } from "./facts";
import { o } from "./words";

/** Where the changed order goes: into the list or page that shows it. */
export type Changed = (order: Order) => void;

export const cannotConfirm = (order: Order): Phrase | null => (order.status === "pending" ? null : o.skipNotPending);
export const cannotHold = (order: Order): Phrase | null => (hasEnded(order) ? o.skipEnded : openOf(order) === 0 ? o.skipShipped : null);
export const cannotCancel = cannotHold;

const confirm = (order: Order, key: string) => call("POST /v1/orders/{id}/confirm", { id: order.id }, { key });
const reread = (order: Order) => call("GET /v1/orders/{id}", { id: order.id });

/** Who is refused may look at an order that is another by now. */
async function orReread<T>(order: Order, changed: Changed, answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
        if (error instanceof Problem && error.status >= 400 && error.status < 500) void reread(order).then(changed, () => undefined);
        throw error;
    });
}

export function confirmOrder(order: Order, changed: Changed) {
    const short = shortOf(order);
    act({
        title: t(o.confirmTitle, { number: order.number }),
        preview: (
            <>
                <p>{t(o.confirmPreview, { units: openOf(order) })}</p>
                {short > 0 && <p>{t(o.confirmShort, { count: short })}</p>}
                {order.holds.length > 0 && <p>{t(o.confirmHeld)}</p>}
            </>
        ),
        verb: t(o.confirm),
        run: async (_, key) => {
            changed(await orReread(order, changed, confirm(order, key)));
            return t(o.confirmed, { number: order.number });
        },
    });
}

const holdFields: readonly Field[] = [
    { name: "reason", label: w.reason },
    { name: "until", label: o.holdUntil, kind: "moment", isOptional: true },
];
const hold = (order: Order, values: Values, key: string) =>
    call("POST /v1/orders/{id}/holds", { id: order.id, type: "manual", reason: values.reason, expires_at: values.until ? new Date(values.until).toISOString() : undefined }, { key });
const release = (order: Order, held: Hold) => call("DELETE /v1/orders/{id}/holds/{hold_id}", { id: order.id, hold_id: held.id });

export function holdOrder(order: Order, changed: Changed) {
    act({
        title: t(o.holdTitle, { number: order.number }),
        preview: <p>{t(o.holdPreview)}</p>,
        fields: holdFields,
        verb: t(o.hold),
        run: async (values, key) => {
            const placed = await orReread(order, changed, hold(order, values, key));
            changed(await reread(order));
            return {
                text: t(o.held, { number: order.number }),
                undo: () => void release(order, placed).then((after) => (changed(after), tell(t(o.released, { number: order.number })))),
            };
        },
    });
}
export function releaseHold(order: Order, held: Hold, changed: Changed) {
    const others = order.holds.length - 1;
    act({
        title: t(o.releaseTitle, { number: order.number }),
        preview: (
            <>
                <p>“{held.reason ?? held.type}”</p>
                <p>{others > 0 ? t(o.releaseMore, { count: others }) : t(o.releaseLast)}</p>
            </>
        ),
        verb: t(o.release),
        run: async () => {
            changed(await orReread(order, changed, release(order, held)));
            return t(o.released, { number: order.number });
        },
    });
}

const cancelFields: readonly Field[] = [
    {
        name: "reason", label: w.reason, kind: "choice",
        choices: [
            { value: "customer", label: o.byCustomer }, { value: "stock", label: o.byStock }, { value: "unpaid", label: o.byUnpaid },
            { value: "fraud", label: o.byFraud }, { value: "other", label: o.byOther },
        ],
    },
    { name: "note", label: w.note, isOptional: true },
];
const cancel = (order: Order, values: Values, key: string) =>
    call("POST /v1/orders/{id}/cancel", { id: order.id, reason: values.reason, note: values.note || undefined, remaining: shippedOf(order) > 0 } satisfies Request<"POST /v1/orders/{id}/cancel">, { key });

export function cancelOrder(order: Order, changed: Changed) {
    const shipped = shippedOf(order);
    act({
        title: t(o.cancelTitle, { number: order.number }),
        preview: (
            <>
                <p>{shipped > 0 ? t(o.cancelRest, { units: openOf(order), shipped }) : t(o.cancelAll, { units: unitsOf(order) })}</p>
                {shipped === 0 && <p>{isZero(order.paid_total) ? t(o.cancelUnpaid) : t(o.cancelOwed, { amount: money(order.paid_total) })}</p>}
            </>
        ),
        fields: cancelFields,
        verb: t(o.cancel),
        isGrave: true,
        run: async (values, key) => {
            const after = await orReread(order, changed, cancel(order, values, key));
            changed(after);
            const number = order.number;
            return isZero(after.refund_due) ? t(o.cancelled, { number }) : t(o.cancelledOwed, { number, amount: money(after.refund_due) });
        },
    });
}

export interface Many {
    /** Those that are selected one by one. */
    orders: readonly Order[];
    /** Everything that the list's query finds, also what is not loaded; null: only the above. */
    query: string | null;
    changed: Changed;
    select: (ids: readonly string[]) => void;
}
const selectionOf = (many: Many) => (many.query !== null ? { q: many.query, all: true } : { ids: many.orders.map((order) => order.id) });
/** One order alone has a dialog of its own, which can say more. */
function alone(many: Many): Order | null {
    return many.query === null && many.orders.length === 1 ? (many.orders[0] ?? null) : null;
}
export function confirmMany(many: Many) {
    const only = alone(many);
    if (only) return confirmOrder(only, many.changed);
    inBulk({ title: t(o.confirm), verb: t(o.confirm), action: "confirm", selection: selectionOf(many), refused: many.select });
}
export function holdMany(many: Many) {
    const only = alone(many);
    if (only) return holdOrder(only, many.changed);
    inBulk({
        title: t(o.hold), verb: t(o.hold), about: t(o.holdPreview), action: "hold", selection: selectionOf(many), refused: many.select, fields: holdFields,
        parameters: (values) => ({ reason: values.reason, expires_at: values.until ? new Date(values.until).toISOString() : undefined }),
    });
}
export function releaseMany(many: Many) {
    const only = alone(many);
    if (only?.holds[0] && only.holds.length === 1) return releaseHold(only, only.holds[0], many.changed);
    inBulk({ title: t(o.release), verb: t(o.release), about: t(o.releaseAll), action: "release_hold", selection: selectionOf(many), refused: many.select });
}
const wordsOf = (text: string | undefined) => (text ?? "").split(/[,\s]+/).filter(Boolean);
export function tagMany(many: Many) {
    const only = alone(many);
    if (only) return tagOrder(only, many.changed);
    inBulk({ title: t(o.tagVerb), verb: t(o.tagVerb), action: "tag", selection: selectionOf(many), refused: many.select, fields: [{ name: "tags", label: o.tags, hint: o.tagsHint }], parameters: (values) => ({ tags: wordsOf(values.tags) }) });
}
export function untagMany(many: Many) {
    inBulk({ title: t(o.untagVerb), verb: t(o.untagVerb), action: "untag", selection: selectionOf(many), refused: many.select, fields: [{ name: "tags", label: o.tags, hint: o.tagsHint }], parameters: (values) => ({ tags: wordsOf(values.tags) }) });
}
export function tagOrder(order: Order, changed: Changed) {
    act({
        title: `${t(o.tagVerb)} · ${order.number}`,
        preview: <p>{t(o.tagPreview)}</p>,
        fields: [{ name: "tags", label: o.tags, initial: order.tags.join(" "), hint: o.tagsHint, isOptional: true }],
        verb: t(w.save),
        run: async (values, key) => {
            const wanted = wordsOf(values.tags);
            const change = { add: wanted.filter((tag) => !order.tags.includes(tag)), remove: order.tags.filter((tag) => !wanted.includes(tag)) };
            changed(await call("POST /v1/orders/{id}/tags", { id: order.id, ...change }, { key }));
            return {
                text: t(o.tagged, { number: order.number }),
                undo: () => void call("POST /v1/orders/{id}/tags", { id: order.id, add: change.remove, remove: change.add }).then(changed),
            };
        },
    });
}
export function cancelMany(many: Many) {
    const only = alone(many);
    if (only) return cancelOrder(only, many.changed);
    inBulk({ title: t(o.cancel), verb: t(o.cancel), isGrave: true, action: "cancel", selection: selectionOf(many), refused: many.select, fields: cancelFields.slice(0, 1), parameters: (values) => ({ reason: values.reason }) });
}
