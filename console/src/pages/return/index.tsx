// One return: what is coming back, what came, what became of it, and the refund that it makes due.
import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { Disposition, ReturnOrder } from "../../api/schema.gen";
import { can } from "../../api/session";
import { asIs, money, t, words, type Phrase } from "../../i18n";
import { exact } from "../../i18n/time";
import { act } from "../../ui/action";
import { useCommands, type Command } from "../../ui/commands";
import { Facts, Loaded, Money, Panel } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link } from "../../ui/router";
import { returnOrderWords, Status } from "../../ui/Status";
import { w } from "../../ui/words";
import { p as orderWords } from "../order/words";

const p = words({
    lines: ["Lines", "品項"],
    item: ["Item", "品項"],
    requested: ["Asked", "申請"],
    received: ["Received", "收到"],
    restocked: ["Restocked", "回庫"],
    quarantined: ["Quarantined", "隔離"],
    scrapped: ["Scrapped", "報廢"],
    refund: ["Refund", "退款"],
    order: ["Order", "訂單"],
    asked: ["Requested", "申請時間"],
    changed: ["Changed", "更新"],
    due: ["Refund due", "應退款"],
    approve: ["Approve", "核准"],
    approvePreview: ["The customer may send {units} {units|unit|units} back.", "顧客可寄回 {units} 件。"],
    approved: ["{number} is approved.", "{number} 已核准。"],
    decline: ["Decline", "拒絕"],
    declinePreview: ["Nothing may come back; the lines can be asked for again.", "不接受退回,品項可再次申請。"],
    declined: ["{number} is declined.", "{number} 已拒絕。"],
    receive: ["Receive", "收貨"],
    receivePreview: ["Say how many came. They wait for inspection; no stock rises yet.", "請輸入實收數量。商品待驗,尚未增加庫存。"],
    receivedDone: ["{number} is received.", "{number} 已收貨。"],
    inspect: ["Inspect", "驗貨"],
    inspectPreview: ["What is restocked can be sold again at once. The refund of what was received becomes due.", "回庫的商品可立即再售,收到商品的退款將列為應退。"],
    inspected: ["{number} is inspected; {amount} is to be refunded.", "{number} 已驗貨,應退款 {amount}。"],
    disposition: ["What becomes of it", "處置"],
    restock: ["Restock", "回庫"],
    quarantine: ["Quarantine", "隔離"],
    scrap: ["Scrap", "報廢"],
    close: ["Close", "結案"],
    closePreview: ["Nothing more is expected.", "不再有後續作業。"],
    closed: ["{number} is closed.", "{number} 已結案。"],
});

export default function ReturnPage({ params }: { params: Record<string, string> }) {
    const id = params.id ?? "";
    const found = useResource(`return/${id}`, (signal) => call("GET /v1/returns/{id}", { id }, { signal }));
    return (
        <div className="page">
            <Loaded from={found}>{(one) => <Whole one={one} put={found.put} />}</Loaded>
        </div>
    );
}

function Whole({ one, put }: { one: ReturnOrder; put: (one: ReturnOrder) => void }) {
    const { number } = one;
    const units = one.lines.reduce((sum, line) => sum + line.requested, 0);
    const commands: Command[] = [];
    const offer = (label: Phrase, run: () => void) => commands.push({ label, run });
    const simple = (label: Phrase, preview: string, run: (values: Record<string, string>, key: string) => Promise<ReturnOrder>, done: Phrase, needsReason = false) =>
        offer(label, () =>
            act({
                title: `${t(label)} · ${number}`,
                preview: <p>{preview}</p>,
                fields: needsReason ? [{ name: "reason", label: w.reason }] : [],
                verb: t(label),
                isGrave: needsReason,
                run: async (values, key) => {
                    put(await run(values, key));
                    return t(done as typeof p.approved, { number });
                },
            }),
        );
    if (can("returns:write")) {
        if (one.status === "requested") {
            simple(p.approve, t(p.approvePreview, { units }), (_, key) => call("POST /v1/returns/{id}/approve", { id: one.id }, { key }), p.approved);
            simple(p.decline, t(p.declinePreview), (values, key) => call("POST /v1/returns/{id}/decline", { id: one.id, reason: values.reason }, { key }), p.declined, true);
        }
        if (one.status === "approved" || one.status === "in_transit") offer(p.receive, () => receive(one, put));
        if (one.status === "received") offer(p.inspect, () => inspect(one, put));
        if (one.status === "inspected") simple(p.close, t(p.closePreview), (_, key) => call("POST /v1/returns/{id}/close", { id: one.id }, { key }), p.closed);
    }
    useCommands(commands);
    return (
        <>
            <div className="page-head">
                <Link href="/returns">←</Link>
                <h1>{number}</h1>
                <Status of={returnOrderWords} is={one.status} />
                <span className="grow" />
                {commands.map((command, i) => (
                    <Button key={command.label[0]} variant={i === 0 ? "filled" : "default"} onClick={command.run}>
                        {t(command.label)}
                    </Button>
                ))}
            </div>
            <div className="columns">
                <div>
                    <Panel title={t(p.lines)}>
                        <table className="grid">
                            <thead>
                                <tr>
                                    <th scope="col">{t(p.item)}</th>
                                    <th scope="col">{t(w.reason)}</th>
                                    {[p.requested, p.received, p.restocked, p.quarantined, p.scrapped, p.refund].map((head) => (
                                        <th key={head[0]} scope="col" className="num">
                                            {t(head)}
                                        </th>
                                    ))}
                                </tr>
                            </thead>
                            <tbody>
                                {one.lines.map((line) => (
                                    <tr key={line.id}>
                                        <td>
                                            {line.name ?? line.sku}
                                            <small>{line.sku}</small>
                                        </td>
                                        <td>{t(line.reason && line.reason in orderWords ? orderWords[line.reason as "other"] : asIs(line.reason ?? ""))}</td>
                                        {([line.requested, line.received, line.restocked, line.quarantined, line.scrapped] as const).map((count, i) => (
                                            <td key={i} className="num">
                                                {count}
                                            </td>
                                        ))}
                                        <td className="num">
                                            <Money of={line.refund} bare />
                                        </td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </Panel>
                </div>
                <div>
                    <Panel title={t(w.details)}>
                        <Facts
                            rows={[
                                [t(p.order), <Link key="order" href={`/orders/${one.order_number}`}>{one.order_number}</Link>],
                                [t(p.due), <Money key="due" of={one.refund_due} strong />],
                                [t(w.location), one.location],
                                [t(p.asked), exact(one.requested_at)],
                                [t(p.changed), exact(one.updated_at)],
                                [t(w.note), one.note],
                            ]}
                        />
                    </Panel>
                </div>
            </div>
        </>
    );
}
async function receive(one: ReturnOrder, put: (one: ReturnOrder) => void) {
    const locations = (await call("GET /v1/locations", { limit: 200 })).data.filter((location) => location.is_active);
    act({
        title: `${t(p.receive)} · ${one.number}`,
        preview: <p>{t(p.receivePreview)}</p>,
        fields: [
            { name: "location", label: w.location, kind: "choice", choices: locations.map((location) => ({ value: location.code ?? "", label: asIs(location.name ?? location.code ?? "") })) },
            ...one.lines.map((line) => ({ name: line.id, label: asIs(line.name ?? line.sku ?? ""), kind: "number" as const, initial: String(line.requested - line.received), suffix: `/ ${line.requested - line.received}` })),
        ],
        verb: t(p.receive),
        run: async (values, key) => {
            const lines = one.lines.map((line) => ({ order_line_id: line.order_line_id, sku: line.sku, quantity: Number(values[line.id]) })).filter((line) => line.quantity > 0);
            put(await call("POST /v1/returns/{id}/receive", { id: one.id, location: values.location, lines }, { key }));
            return t(p.receivedDone, { number: one.number });
        },
    });
}
function inspect(one: ReturnOrder, put: (one: ReturnOrder) => void) {
    const choices = [{ value: "restock", label: p.restock }, { value: "quarantine", label: p.quarantine }, { value: "scrap", label: p.scrap }];
    const waiting = one.lines.filter((line) => line.received > line.restocked + line.quarantined + line.scrapped);
    act({
        title: `${t(p.inspect)} · ${one.number}`,
        preview: <p>{t(p.inspectPreview)}</p>,
        fields: waiting.map((line) => ({ name: line.id, label: asIs(`${line.name ?? line.sku} ×${line.received}`), kind: "choice" as const, choices })),
        verb: t(p.inspect),
        run: async (values, key) => {
            const lines = waiting.map((line) => ({ order_line_id: line.order_line_id, sku: line.sku, quantity: line.received - line.restocked - line.quarantined - line.scrapped, disposition: values[line.id] as Disposition }));
            const after = await call("POST /v1/returns/{id}/inspect", { id: one.id, lines }, { key });
            put(after);
            return t(p.inspected, { number: one.number, amount: money(after.refund_due) });
        },
    });
}
