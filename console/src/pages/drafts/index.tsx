import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { Draft } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t, words } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { Time } from "../../ui/parts";
import { Link, navigate } from "../../ui/router";
import { w } from "../../ui/words";

const p = words({
    title: ["Drafts", "草稿"],
    name: ["Draft", "草稿"],
    customer: ["Customer", "顧客"],
    items: ["Items", "品項"],
    held: ["Stock held until", "庫存保留至"],
    changed: ["Changed", "更新"],
    fresh: ["New order", "新增訂單"],
    remove: ["Delete", "刪除"],
    removePreview: ["The draft and the stock that is held for it are let go.", "草稿及為其保留的庫存將釋出。"],
    removed: ["The draft is deleted.", "草稿已刪除。"],
    hold: ["Hold stock", "保留庫存"],
    holdPreview: ["Its items are reserved for a while; what is short is named.", "暫時保留其商品庫存,缺貨時會指明。"],
    minutes: ["Minutes", "分鐘"],
    holdDone: ["Stock is held.", "已保留庫存。"],
    empty: ["No drafts", "沒有草稿"],
    emptyHint: ["An order that is not ready yet is kept here; it takes no stock until it is placed.", "尚未完成的訂單保存於此,建立訂單前不佔用庫存。"],
});

export default function DraftsPage() {
    return (
        <List<Draft>
            path="/drafts"
            title={p.title}
            keyOf={(one) => one.id}
            nameOf={(one) => one.title ?? one.id}
            load={() => (cursor, limit) => call("GET /v1/drafts", { cursor: cursor ?? undefined, limit })}
            open={(one) => navigate(`/drafts/${one.id}`)}
            columns={(list) => [
                { id: "title", label: p.name, width: "1fr", cell: (one) => <Link href={`/drafts/${one.id}`}>{one.title ?? "–"}</Link> },
                { id: "customer", label: p.customer, width: "1fr", cell: (one) => one.order?.customer?.name },
                { id: "items", label: p.items, width: "2fr", from: 800, cell: (one) => one.order?.lines.map((line) => `${line.name ?? line.sku} ×${line.quantity}`).join(", ") },
                { id: "held", label: p.held, width: 130, cell: (one) => <Time at={one.held_until} /> },
                { id: "changed", label: p.changed, width: 100, cell: (one) => <Time at={one.updated_at} /> },
                {
                    id: "action", label: w.more, width: 170, head: <span className="hidden">{t(w.more)}</span>,
                    cell: (one) =>
                        can("orders:write") && (
                            <span className="badges">
                                <Button size="compact-xs" variant="default" onClick={() => hold(one, list)}>
                                    {t(p.hold)}
                                </Button>
                                <Button size="compact-xs" variant="default" onClick={() => remove(one, list)}>
                                    {t(p.remove)}
                                </Button>
                            </span>
                        ),
                },
            ]}
            aside={() => can("orders:write") && <Button onClick={() => navigate("/new-order")}>{t(p.fresh)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function hold(one: Draft, list: PagedList<Draft>) {
    act({
        title: `${t(p.hold)} · ${one.title ?? ""}`,
        preview: <p>{t(p.holdPreview)}</p>,
        fields: [{ name: "minutes", label: p.minutes, kind: "number", initial: "30" }],
        verb: t(p.hold),
        run: async (values, key) => {
            list.patch(await call("POST /v1/drafts/{id}/hold", { id: one.id, expires_in_seconds: Math.round(Number(values.minutes) * 60) }, { key }));
            return t(p.holdDone);
        },
    });
}
function remove(one: Draft, list: PagedList<Draft>) {
    act({
        title: `${t(p.remove)} · ${one.title ?? ""}`,
        preview: <p>{t(p.removePreview)}</p>,
        verb: t(p.remove),
        isGrave: true,
        run: async () => {
            await call("DELETE /v1/drafts/{id}", { id: one.id });
            void list.reload();
            return t(p.removed);
        },
    });
}
