// The ways in which the shop offers to deliver: what a clerk chooses from when an order comes by telephone.
import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { DeliveryMethod, DeliveryOffer } from "../../api/schema.gen";
import { can } from "../../api/session";
import { money, number, t, words, type Phrase } from "../../i18n";
import { act } from "../../ui/action";
import { List } from "../../ui/List";
import type { PagedList } from "../../ui/pages";
import { w } from "../../ui/words";

const p = words({
    title: ["Delivery methods", "配送方式"],
    code: ["Code", "代碼"],
    codeHint: ["Small letters, digits and _; it stays.", "小寫英文、數字與底線,建立後不變。"],
    method: ["Kind", "類型"],
    carrier: ["Carrier or chain", "物流商或超商"],
    carrierHint: ["For example sf_express, 7_eleven, family_mart.", "例如 sf_express、7_eleven、family_mart。"],
    cod: ["Cash on delivery", "貨到付款"],
    prices: ["Price", "運費"],
    price: ["Price", "運費"],
    priceHint: ["Left out: the clerk types it.", "留空則由客服輸入。"],
    currency: ["Currency of the price", "運費幣別"],
    rank: ["Place in the list", "排序"],
    add: ["New method", "新增配送方式"],
    edit: ["Change {name}", "修改「{name}」"],
    preview: ["Orders that were placed keep what they have.", "已成立的訂單不受影響。"],
    saved: ["{name} is offered.", "已提供「{name}」。"],
    remove: ["Remove", "停用"],
    removeTitle: ["Offer {name} no more", "停用「{name}」"],
    removed: ["{name} is not offered any more.", "已停用「{name}」。"],
    empty: ["No delivery methods yet", "尚無配送方式"],
    emptyHint: ["Name the carriers and stores that the shop delivers by, with their prices.", "設定商店使用的物流與超商,以及運費。"],
});
const kinds: Record<DeliveryMethod, Phrase> = words({
    home: ["To the door", "宅配"],
    convenience_store: ["Convenience store", "超商取貨"],
    store_pickup: ["Pickup in a shop", "門市自取"],
    digital: ["Nothing is carried", "無需配送"],
});

export default function DeliveryPage() {
    const mayWrite = can("settings:write");
    return (
        <List<DeliveryOffer>
            path="/settings/delivery"
            title={p.title}
            keyOf={(one) => one.code ?? ""}
            nameOf={(one) => one.name ?? ""}
            load={() => (cursor, limit) => call("GET /v1/delivery-methods", { cursor: cursor ?? undefined, limit })}
            open={mayWrite ? (one, list) => write(list, one) : undefined}
            columns={(list) => [
                { id: "rank", label: p.rank, width: 80, isNumber: true, from: 900, cell: (one) => number(one.rank ?? 0) },
                { id: "name", label: w.name, width: "2fr", cell: (one) => one.name },
                { id: "code", label: p.code, width: "1fr", from: 800, cell: (one) => <code>{one.code}</code> },
                { id: "method", label: p.method, width: 150, cell: (one) => one.method && t(kinds[one.method]) },
                { id: "carrier", label: p.carrier, width: 150, cell: (one) => one.carrier },
                { id: "cod", label: p.cod, width: 120, cell: (one) => t(one.cash_on_delivery ? w.yes : w.no) },
                { id: "prices", label: p.prices, width: 160, isNumber: true, cell: (one) => one.prices.map((price) => money(price)).join(", ") },
                {
                    id: "action", label: p.remove, width: 100, head: <span className="hidden">{t(p.remove)}</span>,
                    cell: (one) =>
                        mayWrite && (
                            <Button size="compact-xs" variant="default" onClick={() => remove(one, list)}>
                                {t(p.remove)}
                            </Button>
                        ),
                },
            ]}
            aside={(list) => mayWrite && <Button onClick={() => write(list)}>{t(p.add)}</Button>}
            empty={{ title: p.empty, hint: p.emptyHint }}
        />
    );
}
function write(list: PagedList<DeliveryOffer>, one?: DeliveryOffer) {
    const first = one?.prices[0];
    act({
        title: one ? t(p.edit, { name: one.name ?? "" }) : t(p.add),
        preview: <p>{t(p.preview)}</p>,
        fields: [
            ...(one ? [] : [{ name: "code", label: p.code, hint: p.codeHint }]),
            { name: "name", label: w.name, initial: one?.name ?? undefined },
            { name: "method", label: p.method, kind: "choice" as const, choices: Object.entries(kinds).map(([value, label]) => ({ value, label })), initial: one?.method ?? "home" },
            { name: "carrier", label: p.carrier, hint: p.carrierHint, isOptional: true, initial: one?.carrier ?? undefined },
            { name: "cod", label: p.cod, kind: "switch" as const, initial: one?.cash_on_delivery ? "yes" : undefined },
            { name: "price", label: p.price, hint: p.priceHint, isOptional: true, initial: first?.amount },
            { name: "currency", label: p.currency, isOptional: true, initial: first?.currency ?? "HKD" },
            { name: "rank", label: p.rank, kind: "number" as const, isOptional: true, initial: one ? String(one.rank ?? 0) : undefined },
        ],
        verb: t(w.save),
        run: async (values, key) => {
            const price = values.price ? { amount: values.price, currency: values.currency ?? "" } : null;
            const others = (one?.prices ?? []).filter((known) => known.currency !== (values.currency || first?.currency));
            const saved = await call(
                "POST /v1/delivery-methods",
                {
                    code: one?.code ?? values.code,
                    name: values.name,
                    method: values.method as DeliveryMethod,
                    carrier: values.carrier,
                    cash_on_delivery: values.cod === "yes",
                    prices: price ? [price, ...others] : others,
                    rank: values.rank ? Number(values.rank) : undefined,
                },
                { key },
            );
            void list.reload();
            return t(p.saved, { name: saved.name ?? "" });
        },
    });
}
function remove(one: DeliveryOffer, list: PagedList<DeliveryOffer>) {
    const name = one.name ?? "";
    act({
        title: t(p.removeTitle, { name }),
        preview: <p>{t(p.preview)}</p>,
        verb: t(p.remove),
        isGrave: true,
        run: async () => {
            await call("DELETE /v1/delivery-methods/{code}", { code: one.code ?? "" });
            void list.reload();
            return t(p.removed, { name });
        },
    });
}
