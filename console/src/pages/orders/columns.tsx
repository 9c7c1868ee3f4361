import type { Order } from "../../api/schema.gen";
import { locale, t } from "../../i18n";
import { Badge, fulfillmentWords, orderWords, paymentWords, returnWords, Status } from "../../ui/Status";
import { Money, Time } from "../../ui/parts";
import { Link } from "../../ui/router";
import { keptStore } from "../../ui/store";
import type { Column } from "../../ui/Table";
import { itemsOf, preorderedOf, shortOf, unitsOf } from "./facts";
import { o } from "./words";

export const hiddenColumns = keptStore<readonly string[]>("orders.hidden", ["external", "country", "tags", "updated", "due"]);

/** currency: the one that every row shares, said once in the head. */
export function orderColumns(currency: string | null): readonly Column<Order>[] {
    // English words are longer.
    const longer = locale.get() === "en" ? 24 : 0;
    const inHead = (label: string) => (currency ? `${label} ${currency}` : label);
    return [
        { id: "number", label: o.number, width: 124, cell: (order) => <Link href={`/orders/${order.number}`}>{order.number}</Link> },
        { id: "placed", label: o.placed, width: 84, cell: (order) => <Time at={order.placed_at} /> },
        { id: "channel", label: o.channel, width: 112, from: 1080, cell: (order) => order.channel },
        { id: "external", label: o.external, width: 130, cell: (order) => order.external_number ?? order.external_id },
        { id: "customer", label: o.customer, width: "2fr", cell: (order) => order.customer?.name ?? order.customer?.email, title: (order) => order.customer?.email ?? undefined },
        { id: "country", label: o.country, width: 56, cell: (order) => order.shipping_address?.country },
        { id: "units", label: o.units, width: 56, isNumber: true, from: 960, cell: unitsOf },
        { id: "items", label: o.items, width: "4fr", from: 1120, cell: itemsOf, title: itemsOf },
        { id: "total", label: o.total, width: 112, isNumber: true, head: inHead(t(o.total)), cell: (order) => <Money of={order.current_total ?? order.total} bare={currency !== null} /> },
        { id: "due", label: o.due, width: 104, isNumber: true, head: inHead(t(o.due)), cell: (order) => <Money of={order.amount_due} bare={currency !== null} /> },
        {
            id: "order", label: o.order, width: 132 + 1.6 * longer,
            cell: (order) => (
                <>
                    <Status of={orderWords} is={order.status} />
                    {order.holds.length > 0 && (
                        <Badge tone="waiting" title={t(o.onHoldWhy, { reason: order.holds.map((hold) => hold.reason ?? hold.type).join("; ") })}>
                            {t(o.onHold)}
                        </Badge>
                    )}
                </>
            ),
        },
        { id: "payment", label: o.payment, width: 118 + longer, cell: (order) => <Status of={paymentWords} is={order.payment_status} /> },
        {
            id: "fulfillment", label: o.fulfillment, width: 142,
            cell: (order) => {
                const short = shortOf(order), preordered = preorderedOf(order);
                return (
                    <>
                        <Status of={fulfillmentWords} is={order.fulfillment_status} />
                        {short > 0 && (
                            <Badge tone="problem" title={t(o.shortWhy, { count: short })}>
                                {t(o.short, { count: short })}
                            </Badge>
                        )}
                        {preordered > 0 && <Badge tone="waiting">{t(o.preorder, { count: preordered })}</Badge>}
                    </>
                );
            },
        },
        { id: "returns", label: o.returns, width: 112 + longer, from: 1240, cell: (order) => (order.return_status === "none" ? null : <Status of={returnWords} is={order.return_status} />) },
        { id: "tags", label: o.tags, width: 130, cell: (order) => order.tags.map((tag) => <Badge key={tag} tone="neutral">{tag}</Badge>) },
        { id: "updated", label: o.updated, width: 84, cell: (order) => <Time at={order.updated_at} /> },
    ];
}
