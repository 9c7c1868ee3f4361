// One order: what it is, what it now wants, and everything that happened to it. Each part reads its own service, so
// that a part that cannot be read says so and the rest is there.
import { Button, Menu } from "@mantine/core";
import { lazy, Suspense, useEffect, useState } from "react";
import { call } from "../../api/client";
import { onLive } from "../../api/live";
import type { Order } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t } from "../../i18n";
import { useCommands, type Command } from "../../ui/commands";
import { Badge, fulfillmentWords, orderWords, paymentWords, returnWords, Status } from "../../ui/Status";
import { Loaded, Time } from "../../ui/parts";
import { Link } from "../../ui/router";
import { useResource } from "../../ui/resource";
import { w } from "../../ui/words";
import { cancelOrder, cannotCancel, cannotConfirm, cannotHold, confirmOrder, holdOrder, releaseHold, tagOrder } from "../orders/actions";
import { o } from "../orders/words";
import { shippedOf, unitsOf } from "../orders/facts";
import { act } from "../../ui/action";
import { FamilyPanel } from "./family";
import { Lines } from "./lines";
import { MoneyPanel, recordPayment, recordRefund } from "./money";
import { CustomerPanel, FactsPanel, editAddress, HoldsPanel, MailsPanel, setRemark } from "./side";
import { SourcingPanel } from "./sourcing";
import { Timeline } from "./timeline";
import { VersionsPanel } from "./versions";
import { WorkPanel } from "./work";
import { requestReturn, ReturnsPanel } from "./returns";
import { p } from "./words";

const EditPanel = lazy(() => import("./edit"));
const SplitPanel = lazy(() => import("./split"));

export default function OrderPage({ params }: { params: Record<string, string> }) {
    const id = params.id ?? "";
    const order = useResource(`order/${id}`, (signal) => call("GET /v1/orders/{id}", { id }, { signal }));
    return (
        <div className="page">
            <Loaded from={order} rows={16}>
                {(found) => <Whole order={found} put={order.put} reload={order.reload} />}
            </Loaded>
        </div>
    );
}

function Whole({ order, put, reload }: { order: Order; put: (order: Order) => void; reload: () => void }) {
    useEffect(() => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const stop = onLive((event) => {
            if (event.key === order.id) timer ??= setTimeout(() => ((timer = undefined), reload()), 200);
        }, reload);
        return () => {
            stop();
            clearTimeout(timer);
        };
    }, [order.id, reload]);

    const [mode, setMode] = useState<"edit" | "split" | null>(null);
    const leave = () => setMode(null);
    const mayWrite = can("orders:write"), mayPay = can("payments:write");
    const first: Command[] = [], others: Command[] = [];
    const offer = (command: Command, isWanted: boolean) => (isWanted ? first : others).push(command);
    if (mayWrite && !cannotConfirm(order)) offer({ label: o.confirm, keys: "c", run: () => confirmOrder(order, put) }, true);
    if (mayWrite && order.holds[0]) {
        const [hold] = order.holds;
        offer({ label: o.release, run: () => releaseHold(order, hold, put) }, true);
    }
    if (mayWrite && !cannotHold(order)) offer({ label: o.hold, keys: "h", run: () => holdOrder(order, put) }, order.status === "confirmed" && order.holds.length === 0);
    const canEdit = mayWrite && !cannotHold(order);
    if (canEdit) {
        offer({ label: p.edit, keys: "e", run: () => setMode("edit") }, order.status === "pending" || order.status === "confirmed");
        offer({ label: p.editAddress, run: () => editAddress(order, put) }, false);
        if (unitsOf(order) > 1) offer({ label: p.split, keys: "s", run: () => setMode("split") }, false);
        if (order.family?.parent_id && shippedOf(order) === 0) offer({ label: p.unsplit, run: () => unsplit(order, put) }, false);
    }
    if (mayPay) {
        const owes = Number(order.amount_due?.amount) > 0, owed = Number(order.refund_due?.amount) > 0;
        offer({ label: p.recordPayment, run: () => recordPayment(order, put) }, owes);
        if (Number(order.paid_total?.amount) > Number(order.refunded_total?.amount)) offer({ label: p.recordRefund, run: () => recordRefund(order, put) }, owed);
    }
    if (can("returns:write") && order.lines.some((line) => line.fulfilled > line.returned)) offer({ label: p.requestReturn, run: () => requestReturn(order, reload) }, false);
    if (mayWrite) offer({ label: o.tagVerb, keys: "t", run: () => tagOrder(order, put) }, false);
    if (mayWrite) offer({ label: p.setRemark, run: () => setRemark(order, put) }, false);
    offer({ label: p.print, keys: "p", run: () => print() }, false);
    if (mayWrite && !cannotCancel(order)) offer({ label: o.cancel, run: () => cancelOrder(order, put) }, false);
    useCommands([...first, ...others]);
    useCommands([{ label: p.backToList, keys: "Escape", run: () => history.back(), keyOnly: true }], mode === null);

    return (
        <>
            <div className="page-head">
                <Link href="/orders" aria-label={t(p.backToList)}>
                    ←
                </Link>
                <h1>{order.number}</h1>
                <span className="badges">
                    <Status of={orderWords} is={order.status} />
                    <Status of={paymentWords} is={order.payment_status} />
                    <Status of={fulfillmentWords} is={order.fulfillment_status} />
                    {order.return_status !== "none" && <Status of={returnWords} is={order.return_status} />}
                    {order.holds.length > 0 && <Badge tone="waiting">{t(o.onHold)}</Badge>}
                </span>
                <span className="fine">
                    {order.channel} · <Time at={order.placed_at} />
                </span>
                <span className="grow" />
                {first.map((one, i) => (
                    <Button key={one.label[0]} variant={i === 0 ? "filled" : "default"} onClick={one.run}>
                        {t(one.label)}
                    </Button>
                ))}
                {others.length > 0 && (
                    <Menu position="bottom-end">
                        <Menu.Target>
                            <Button variant="default">{t(w.more)}</Button>
                        </Menu.Target>
                        <Menu.Dropdown>
                            {others.map((one) => (
                                <Menu.Item key={one.label[0]} onClick={one.run} color={one.label === o.cancel ? "var(--tone-problem)" : undefined}>
                                    {t(one.label)}
                                </Menu.Item>
                            ))}
                        </Menu.Dropdown>
                    </Menu>
                )}
            </div>
            <div className="columns">
                <div>
                    <HoldsPanel order={order} put={put} />
                    <Suspense fallback={<Lines order={order} />}>{mode === "edit" ? <EditPanel order={order} put={put} close={leave} /> : mode === "split" ? <SplitPanel order={order} put={put} close={leave} /> : <Lines order={order} />}</Suspense>
                    <MoneyPanel order={order} put={put} />
                    {can("fulfillment:read") && <WorkPanel order={order} changed={reload} />}
                    {can("returns:read") && (order.return_status !== "none" || order.lines.some((line) => line.fulfilled > 0)) && <ReturnsPanel order={order} />}
                    <Timeline order={order} />
                    {order.edited_at && <VersionsPanel order={order} />}
                </div>
                <div>
                    <CustomerPanel order={order} />
                    <FamilyPanel order={order} />
                    <FactsPanel order={order} />
                    {can("messages:read") && <MailsPanel order={order} />}
                    {can("stock:read") && <SourcingPanel order={order} />}
                </div>
            </div>
        </>
    );
}

function unsplit(order: Order, put: (order: Order) => void) {
    act({
        title: `${t(p.unsplit)} · ${order.number}`,
        preview: <p>{t(p.unsplitPreview)}</p>,
        verb: t(p.unsplit),
        run: async (_, key) => {
            const made = await call("POST /v1/orders/{id}/unsplit", { id: order.id, version: order.version }, { key });
            if (made.child) put(made.child);
            return t(p.unsplitDone, { number: order.number, parent: made.parent?.number ?? "" });
        },
    });
}
