// What channels delivered: each delivery is stored before it is worked on, and what could not be worked on waits here
// with its reason until somebody replays it.
import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { DeliveryStatus, InboxDelivery as Delivery } from "../../api/schema.gen";
import { can } from "../../api/session";
import { number, t, words } from "../../i18n";
import { act } from "../../ui/action";
import { choicesOf, List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Time } from "../../ui/parts";
import { Link } from "../../ui/router";
import { deliveryWords, Status } from "../../ui/Status";
import { w } from "../../ui/words";

const p = words({
    title: ["Deliveries", "接收紀錄"],
    received: ["Received", "接收"],
    topic: ["Topic", "主題"],
    external: ["Channel's id", "通路編號"],
    effect: ["Effect", "結果"],
    order: ["Order", "訂單"],
    why: ["Why", "原因"],
    attempts: ["Tries", "次數"],
    bytes: ["Bytes", "位元組"],
    empty: ["Nothing was delivered yet", "尚無接收紀錄"],
    emptyHint: ["Webhooks of your channels are kept here, also those that could not be understood.", "各通路的 webhook 都會保存於此,包含無法處理的。"],
    replay: ["Replay", "重新處理"],
    replayTitle: ["Replay {topic} of {channel}", "重新處理 {channel} 的 {topic}"],
    replayPreview: ["The delivery is worked on again as it came. What already had its effect does not have it twice.", "將依原始內容重新處理,已生效的內容不會重複生效。"],
    replayed: ["Replayed: {status}.", "已重新處理:{status}。"],
});

export default function InboxPage() {
    return (
        <List<Delivery>
            path="/inbox"
            title={p.title}
            filters={[{ name: "status", label: w.status, choices: choicesOf(deliveryWords) }, { name: "channel", label: w.channel }, { name: "external_id", label: p.external }]}
            keyOf={(one) => one.id}
            nameOf={(one) => `${one.channel} ${one.external_id}`}
            load={(filters) => (cursor, limit) => call("GET /v1/inbox", { ...filters, status: filters.status as DeliveryStatus | undefined, cursor: cursor ?? undefined, limit })}
            open={can("inbox:write") ? replay : undefined}
            columns={(list) => [
                { id: "received", label: p.received, width: 90, cell: (one) => <Time at={one.received_at} /> },
                { id: "channel", label: w.channel, width: 140, cell: (one) => one.channel },
                { id: "topic", label: p.topic, width: 150, cell: (one) => one.topic },
                { id: "external", label: p.external, width: 150, cell: (one) => one.external_id },
                { id: "status", label: w.status, width: 100, cell: (one) => <Status of={deliveryWords} is={one.status} title={one.reason_code ?? undefined} /> },
                { id: "why", label: p.why, width: "2fr", cell: (one) => one.reason ?? one.effect, title: (one) => one.reason ?? undefined },
                { id: "order", label: p.order, width: 120, cell: (one) => one.order_number && <Link href={`/orders/${one.order_number}`}>{one.order_number}</Link> },
                { id: "attempts", label: p.attempts, width: 60, isNumber: true, from: 900, cell: (one) => number(one.attempts) },
                { id: "bytes", label: p.bytes, width: 80, isNumber: true, from: 1100, cell: (one) => number(one.body_bytes) },
                {
                    id: "action", label: p.replay, width: 110, head: <span className="hidden">{t(p.replay)}</span>,
                    cell: (one) =>
                        one.status === "parked" &&
                        can("inbox:write") && (
                            <Button size="compact-xs" variant="light" onClick={() => replay(one, list)}>
                                {t(p.replay)}
                            </Button>
                        ),
                },
            ]}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function replay(one: Delivery, list: PagedList<Delivery>) {
    act({
        title: t(p.replayTitle, { topic: one.topic ?? "", channel: one.channel ?? "" }),
        preview: (
            <>
                {one.reason && <p>{one.reason}</p>}
                <p>{t(p.replayPreview)}</p>
            </>
        ),
        verb: t(p.replay),
        run: async (_, key) => {
            const after = await call("POST /v1/inbox/{id}/replay", { id: one.id }, { key });
            list.patch(after);
            return t(p.replayed, { status: after.status ? t(deliveryWords[after.status][1]) : "" });
        },
    });
}
