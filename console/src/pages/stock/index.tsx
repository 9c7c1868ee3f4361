import { call } from "../../api/client";
import type { Level } from "../../api/schema.gen";
import { can } from "../../api/session";
import { number, t, words } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import type { Column } from "../../ui/Table";
import { w } from "../../ui/words";

const p = words({
    title: ["Stock", "庫存"],
    sku: ["SKU", "SKU"],
    on_hand: ["On hand", "實際庫存"],
    available: ["Available", "可售"],
    committed: ["Committed", "已承諾"],
    reserved: ["Reserved", "已保留"],
    safety: ["Safety", "安全庫存"],
    quality_control: ["Inspection", "待檢"],
    damaged: ["Damaged", "損壞"],
    incoming: ["Incoming", "在途"],
    empty: ["No stock yet", "尚無庫存"],
    emptyHint: ["Items and their units at each location stand here once goods are received.", "收貨後,各地點的商品數量會顯示於此。"],
    adjust: ["Adjust {sku}", "調整 {sku}"],
    adjustVerb: ["Adjust", "調整"],
    adjustPreview: ["{location}: {available} available now.", "{location}:目前可售 {available}。"],
    adjustAfter: ["After it: {after}.", "調整後:{after}。"],
    delta: ["Difference, + or −", "增減數量(+ 或 −)"],
    adjusted: ["{sku} at {location}: {available} available.", "{location} 的 {sku} 可售 {available}。"],
    received: ["Received", "收貨"],
    damagedReason: ["Damaged", "損壞"],
    lost: ["Lost", "遺失"],
    found: ["Found", "尋獲"],
    counted: ["Counted", "盤點"],
    correction: ["Correction", "更正"],
});
const REASONS = [["received", p.received], ["counted", p.counted], ["correction", p.correction], ["damaged", p.damagedReason], ["lost", p.lost], ["found", p.found]] as const;
const keyOf = (level: Level) => `${level.location}/${level.sku}`;

export default function StockPage() {
    const figure = (name: "on_hand" | "available" | "committed" | "reserved" | "safety" | "quality_control" | "damaged" | "incoming", from?: number): Column<Level> => ({
        id: name, label: p[name], width: 96, isNumber: true, from,
        cell: (level) => <span className={level[name] === 0 ? "over" : name === "available" ? "strong" : undefined}>{number(level[name])}</span>,
    });
    return (
        <List<Level>
            path="/stock"
            title={p.title}
            filters={[{ name: "sku", label: p.sku }, { name: "location", label: w.location }]}
            keyOf={keyOf}
            nameOf={(level) => level.sku ?? ""}
            load={(filters) => (cursor, limit) => call("GET /v1/levels", { ...filters, cursor: cursor ?? undefined, limit })}
            open={can("stock:write") ? adjust : undefined}
            columns={() => [
                { id: "sku", label: p.sku, width: "2fr", cell: (level) => level.sku },
                { id: "location", label: w.location, width: "1fr", cell: (level) => level.location },
                figure("on_hand"), figure("available"), figure("committed"), figure("reserved"), figure("safety", 900), figure("quality_control", 1000),
                figure("damaged", 1000), figure("incoming", 900),
            ]}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function adjust(level: Level, list: PagedList<Level>) {
    const isWhole = (text: string) => /^[+-]?\d+$/.test(text.trim());
    const sku = level.sku ?? "", location = level.location ?? "";
    act({
        title: t(p.adjust, { sku }),
        preview: (values) => (
            <>
                <p>{t(p.adjustPreview, { location, available: level.available })}</p>
                {isWhole(values.delta ?? "") && <p>{t(p.adjustAfter, { after: level.available + Number(values.delta) })}</p>}
            </>
        ),
        fields: [
            { name: "delta", label: p.delta, kind: "number" },
            { name: "reason", label: w.reason, kind: "choice", choices: REASONS.map(([value, label]) => ({ value, label })) },
            { name: "note", label: w.note, isOptional: true },
        ],
        verb: t(p.adjustVerb),
        run: async (values, key) => {
            const done = await call("POST /v1/adjustments", { sku, location, delta: Number(values.delta), reason: values.reason, note: values.note || undefined }, { key });
            if (done.level) list.patch(done.level);
            return t(p.adjusted, { sku, location, available: done.level?.available ?? 0 });
        },
    });
}
