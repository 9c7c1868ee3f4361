// An order's money: how the total comes about, what was paid and given back, and what is still to settle.
import { call } from "../../api/client";
import type { Order, PaymentEntryStatus, Refund } from "../../api/schema.gen";
import { asIs, money, t, type Phrase } from "../../i18n";
import { can } from "../../api/session";
import { act, type Values } from "../../ui/action";
import { isAmount, less } from "../../ui/decimal";
import { isZero, Money, Panel, Time } from "../../ui/parts";
import { paymentEntryWords, refundWords, Status } from "../../ui/Status";
import { w } from "../../ui/words";
import type { Changed } from "../orders/actions";
import { p } from "./words";

export const METHODS = ["bank_transfer", "cash", "card", "cash_on_delivery", "wallet"] as const;
export function methodPhrase(method: string | null): Phrase {
    return method && method in p ? p[method as keyof typeof p] : asIs(method ?? "");
}
export function recordPayment(order: Order, changed: Changed) {
    const due = order.amount_due, currency = order.currency ?? "";
    act({
        title: `${t(p.recordPayment)} · ${order.number}`,
        preview: (values) => (
            <>
                <p>{isZero(due) ? t(p.paymentNothing) : t(p.paymentPreview, { due: money(due) })}</p>
                {!isZero(due) && isAmount(values.amount ?? "") && <p>{t(p.paymentLeaves, { left: money({ amount: less(due?.amount ?? "0", (values.amount ?? "").trim()), currency }) })}</p>}
            </>
        ),
        fields: [
            { name: "amount", label: w.amount, kind: "number", initial: isZero(due) ? "" : due?.amount, suffix: currency },
            { name: "method", label: p.method, kind: "choice", choices: METHODS.map((value) => ({ value, label: methodPhrase(value) })) },
            { name: "reference", label: p.reference, isOptional: true },
        ],
        verb: t(p.recordPayment),
        run: async (values, key) => {
            const amount = { amount: (values.amount ?? "").trim(), currency };
            const status: PaymentEntryStatus = "captured";
            changed(await call("POST /v1/orders/{id}/payments", { id: order.id, method: values.method, status, amount, reference: values.reference || undefined }, { key }));
            return t(p.paymentDone, { amount: money(amount), number: order.number });
        },
    });
}
export function recordRefund(order: Order, changed: Changed) {
    const currency = order.currency ?? "";
    const most = less(order.paid_total?.amount ?? "0", order.refunded_total?.amount ?? "0");
    act({
        title: `${t(p.recordRefund)} · ${order.number}`,
        preview: (
            <>
                <p>{t(p.refundPreview, { most: money({ amount: most, currency }) })}</p>
                {order.payments.length > 1 && <p>{t(p.refundSpread)}</p>}
            </>
        ),
        fields: [
            { name: "amount", label: w.amount, kind: "number", initial: isZero(order.refund_due) ? "" : order.refund_due?.amount, suffix: currency },
            { name: "reason", label: w.reason },
        ],
        verb: t(p.recordRefund),
        isGrave: true,
        run: async (values, key) => {
            const amount = { amount: (values.amount ?? "").trim(), currency };
            changed(await call("POST /v1/orders/{id}/refunds", { id: order.id, amount, reason: values.reason }, { key }));
            return t(p.refundDone, { amount: money(amount), number: order.number });
        },
    });
}

/** The second person's word, and another try. */
function refundSteps(order: Order, refund: Refund, changed: Changed): readonly (readonly [Phrase, () => void])[] {
    const amount = money(refund.amount), request = { id: order.id, refund_id: refund.id };
    const ask = (label: Phrase, preview: string, run: (values: Values, key: string) => Promise<unknown>, needsReason: boolean) => () =>
        act({
            title: `${t(label)} · ${order.number}`,
            preview: <p>{preview}</p>,
            fields: needsReason ? [{ name: "reason", label: w.reason }] : [],
            verb: t(label),
            isGrave: !needsReason,
            run: async (values, key) => {
                await run(values, key);
                const after = await call("GET /v1/orders/{id}", { id: order.id }), now = after.refunds.find((one) => one.id === refund.id)?.status;
                changed(after);
                return t(p.refundChanged, { amount, status: now ? t(refundWords[now][1]) : "" });
            },
        });
    if (refund.status === "requested")
        return [
            [p.approve, ask(p.approve, t(p.approvePreview, { amount }), (_, key) => call("POST /v1/orders/{id}/refunds/{refund_id}/approve", request, { key }), false)],
            [p.decline, ask(p.decline, t(p.declinePreview), (values, key) => call("POST /v1/orders/{id}/refunds/{refund_id}/decline", { ...request, reason: values.reason }, { key }), true)],
        ];
    if (refund.status === "failed") return [[p.retry, ask(p.retry, t(p.retryPreview, { amount }), (_, key) => call("POST /v1/orders/{id}/refunds/{refund_id}/retry", request, { key }), false)]];
    return [];
}

export function MoneyPanel({ order, put }: { order: Order; put: Changed }) {
    const sums = [
        [t(p.itemsTotal), order.items_total, false],
        [[t(p.discountTotal), ...order.discounts.map((one) => one.code ?? one.title)].filter(Boolean).join(" · "), order.discount_total, true],
        [[t(p.shippingTotal), ...order.shipping_lines.map((one) => one.title)].filter(Boolean).join(" · "), order.shipping_total, false],
        [t(order.prices_include_tax ? p.taxIncluded : p.taxTotal), order.tax_total, false],
        [[t(p.charges), ...order.charges.map((one) => one.title)].filter(Boolean).join(" · "), order.charges_total, false],
    ] as const;
    const isChanged = order.total?.amount !== order.current_total?.amount;
    const entries = [
        ...order.payments.map((one) => ({ at: one.recorded_at, id: one.id, what: t(methodPhrase(one.method)), note: one.reference, amount: one.amount, isOut: false, status: <Status of={paymentEntryWords} is={one.status} />, steps: [] as ReturnType<typeof refundSteps> })),
        ...order.refunds.map((one) => ({ at: one.recorded_at, id: one.id, what: t(p.refundOf), note: one.reason, amount: one.amount, isOut: true, status: <Status of={refundWords} is={one.status} />, steps: can("payments:write") ? refundSteps(order, one, put) : [] })),
    ].sort((a, b) => (a.at ?? "").localeCompare(b.at ?? ""));
    return (
        <Panel title={`${t(p.money)} · ${order.currency}`}>
            {entries.length === 0 ? (
                <p className="empty-line">{t(p.noEntries)}</p>
            ) : (
                <table className="grid" aria-label={t(p.ledger)}>
                    <thead>
                        <tr>
                            <th scope="col">{t(p.recorded)}</th>
                            <th scope="col">{t(p.method)}</th>
                            <th scope="col">{t(p.reference)}</th>
                            <th scope="col">{t(w.status)}</th>
                            <th scope="col" className="num">
                                {t(w.amount)}
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {entries.map((one) => (
                            <tr key={one.id}>
                                <td>
                                    <Time at={one.at} />
                                </td>
                                <td>{one.what}</td>
                                <td>{one.note}</td>
                                <td>
                                    {one.status}
                                    {one.steps.map(([label, run]) => (
                                        <button key={label[0]} type="button" className="quiet" onClick={run}>
                                            {t(label)}
                                        </button>
                                    ))}
                                </td>
                                <td className="num">
                                    {one.isOut && "−"}
                                    <Money of={one.amount} bare />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            )}
            <dl className="sums">
                {sums.map(
                    ([label, amount, isMinus]) =>
                        !isZero(amount) && (
                            <div key={label}>
                                <dt>{label}</dt>
                                <dd>
                                    {isMinus && "−"}
                                    <Money of={amount} bare />
                                </dd>
                            </div>
                        ),
                )}
                {isChanged && (
                    <div>
                        <dt>{t(p.asSold)}</dt>
                        <dd>
                            <Money of={order.total} bare />
                        </dd>
                    </div>
                )}
                <div className="strong">
                    <dt>{t(p.now)}</dt>
                    <dd>
                        <Money of={order.current_total ?? order.total} bare />
                    </dd>
                </div>
                <div>
                    <dt>{t(p.paid)}</dt>
                    <dd>
                        <Money of={order.paid_total} bare />
                    </dd>
                </div>
                {!isZero(order.refunded_total) && (
                    <div>
                        <dt>{t(p.refunded)}</dt>
                        <dd>
                            −<Money of={order.refunded_total} bare />
                        </dd>
                    </div>
                )}
                <div className="strong">
                    <dt>{!isZero(order.refund_due) ? t(p.owed) : isZero(order.amount_due) ? t(p.settled) : t(p.due)}</dt>
                    <dd>
                        <Money of={isZero(order.refund_due) ? order.amount_due : order.refund_due} bare />
                    </dd>
                </div>
            </dl>
        </Panel>
    );
}
