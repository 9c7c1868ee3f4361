// What the warehouse has to do: no purchaser and no price, so that whoever picks and packs may see it.
import { call } from "../../api/client";
import { onLive } from "../../api/live";
import type { FulfillmentOrder, FulfillmentOrderStatus } from "../../api/schema.gen";
import { can } from "../../api/session";
import { words } from "../../i18n";
import { useEffect, useRef } from "react";
import { List, choicesOf } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Time } from "../../ui/parts";
import { Link } from "../../ui/router";
import { Status, workWords } from "../../ui/Status";
import { w } from "../../ui/words";
import { WorkButtons } from "../order/work";
import { p as words_ } from "../order/words";

const p = words({
    title: ["Packing", "出貨"],
    order: ["Order", "訂單"],
    items: ["Items", "品項"],
    units: ["To do", "應出"],
    next: ["Next", "下一步"],
    since: ["Since", "建立"],
    empty: ["Nothing to pack", "沒有待出貨項目"],
    emptyHint: ["Confirmed orders with stock arrive here, one piece of work for each location.", "已確認且有庫存的訂單會出現在此,每個地點一份作業。"],
});

export default function PackingPage() {
    const shown = useRef<PagedList<FulfillmentOrder> | null>(null);
    const reread = async (work: FulfillmentOrder) => shown.current?.patch(await call("GET /v1/fulfillments/{id}", { id: work.id }));
    useEffect(
        () =>
            onLive((event) => {
                const list = shown.current, work = list?.rows.find((row) => row.order_id === event.key);
                if (work) void reread(work);
                else if (event.service === "inventory" || event.service === "orders") void list?.look();
            }),
        [],
    );
    return (
        <List<FulfillmentOrder>
            path="/packing"
            title={p.title}
            filters={[{ name: "status", label: w.status, choices: choicesOf(workWords) }, { name: "location", label: w.location }, { name: "order", label: p.order }]}
            keyOf={(work) => work.id}
            nameOf={(work) => work.order_number ?? work.id}
            load={(filters) => (cursor, limit) => call("GET /v1/fulfillments", { ...filters, status: filters.status as FulfillmentOrderStatus | undefined, cursor: cursor ?? undefined, limit })}
            columns={(list) => {
                shown.current = list;
                return [
                    { id: "order", label: p.order, width: 130, cell: (work) => (can("orders:read") ? <Link href={`/orders/${work.order_number}`}>{work.order_number}</Link> : work.order_number) },
                    { id: "location", label: w.location, width: 130, cell: (work) => work.location },
                    { id: "status", label: w.status, width: 110, cell: (work) => <Status of={workWords} is={work.status} /> },
                    { id: "units", label: p.units, width: 70, isNumber: true, cell: (work) => work.lines.reduce((sum, line) => sum + line.allocated - line.cancelled - line.shipped, 0) },
                    { id: "items", label: p.items, width: "3fr", cell: (work) => work.lines.map((line) => `${line.name ?? line.sku} ×${line.allocated - line.cancelled}`).join(", ") },
                    { id: "tracking", label: words_.tracking, width: 190, from: 1100, cell: (work) => work.parcels.map((parcel) => `${parcel.carrier ?? ""} ${parcel.tracking_number ?? ""}`).join(", ") },
                    { id: "since", label: p.since, width: 90, cell: (work) => <Time at={work.created_at} /> },
                    { id: "next", label: p.next, width: 92, cell: (work) => <WorkButtons work={work} all={false} changed={() => void reread(work)} /> },
                ];
            }}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
