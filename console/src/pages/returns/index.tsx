import { call } from "../../api/client";
import type { ReturnOrder, ReturnOrderStatus } from "../../api/schema.gen";
import { words } from "../../i18n";
import { choicesOf, List } from "../../ui/List";
import { Money, Time } from "../../ui/parts";
import { Link, navigate } from "../../ui/router";
import { returnOrderWords, Status } from "../../ui/Status";
import { w } from "../../ui/words";

const p = words({
    title: ["Returns", "退貨"],
    number: ["Return", "退貨單"],
    order: ["Order", "訂單"],
    items: ["Items", "品項"],
    requested: ["Requested", "申請"],
    due: ["Refund due", "應退款"],
    empty: ["No returns", "沒有退貨"],
    emptyHint: ["A return is requested from the order that it belongs to.", "請從原訂單建立退貨。"],
});

export default function ReturnsPage() {
    return (
        <List<ReturnOrder>
            path="/returns"
            title={p.title}
            filters={[{ name: "status", label: w.status, choices: choicesOf(returnOrderWords) }, { name: "order", label: p.order }]}
            keyOf={(one) => one.id}
            nameOf={(one) => one.number}
            load={(filters) => (cursor, limit) => call("GET /v1/returns", { ...filters, status: filters.status as ReturnOrderStatus | undefined, cursor: cursor ?? undefined, limit })}
            open={(one) => navigate(`/returns/${one.number}`)}
            columns={() => [
                { id: "number", label: p.number, width: 150, cell: (one) => <Link href={`/returns/${one.number}`}>{one.number}</Link> },
                { id: "requested", label: p.requested, width: 90, cell: (one) => <Time at={one.requested_at} /> },
                { id: "status", label: w.status, width: 110, cell: (one) => <Status of={returnOrderWords} is={one.status} /> },
                { id: "items", label: p.items, width: "3fr", cell: (one) => one.lines.map((line) => `${line.name ?? line.sku} ×${line.requested}`).join(", ") },
                { id: "location", label: w.location, width: 130, cell: (one) => one.location },
                { id: "due", label: p.due, width: 130, isNumber: true, cell: (one) => <Money of={one.refund_due} /> },
                { id: "order", label: p.order, width: 130, cell: (one) => <Link href={`/orders/${one.order_number}`}>{one.order_number}</Link> },
            ]}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
