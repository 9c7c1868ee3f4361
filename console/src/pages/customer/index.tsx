// One customer over all channels: history, orders, who else it may be, and what they may ask of us.
import { Button, Menu } from "@mantine/core";
import { call } from "../../api/client";
import type { CustomerProfile } from "../../api/schema.gen";
import { can } from "../../api/session";
import { money, t, words, type Phrase } from "../../i18n";
import { act } from "../../ui/action";
import { useCommands, type Command } from "../../ui/commands";
import { Facts, Loaded, Money, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link } from "../../ui/router";
import { Badge, fulfillmentWords, orderWords, paymentWords, Status } from "../../ui/Status";
import { tell } from "../../ui/toasts";
import { w } from "../../ui/words";

const p = words({
    orders: ["Orders", "訂單"],
    noOrders: ["No orders yet.", "尚無訂單。"],
    history: ["History", "紀錄"],
    count: ["Orders", "訂單數"],
    cancelled: ["Cancelled", "已取消"],
    returned: ["With a return", "有退貨"],
    refusals: ["Cash on delivery refused", "貨到付款未取"],
    spend: ["Spent", "消費"],
    first: ["First order", "首次訂購"],
    last: ["Last order", "最近訂購"],
    profile: ["Profile", "資料"],
    email: ["E-mail", "電子郵件"],
    phone: ["Telephone", "電話"],
    language: ["Language", "語言"],
    marketing: ["Marketing", "行銷訊息"],
    addresses: ["Addresses", "地址"],
    same: ["May be the same person", "可能是同一人"],
    because: ["same {what}", "相同的{what}"],
    merge: ["Merge", "合併"],
    mergePreview: ["The orders, addresses and contacts of {other} become this customer's too. It can be undone.", "{other} 的訂單、地址與聯絡方式將併入此顧客,可復原。"],
    merged: ["{other} is merged.", "已合併 {other}。"],
    mergedInto: ["Merged into another customer", "已併入其他顧客"],
    unmerge: ["Undo the merge", "復原合併"],
    edit: ["Edit", "編輯"],
    editPreview: ["Orders that were placed keep what they say of the customer.", "既有訂單保留當時的顧客資料。"],
    saved: ["{name} is saved.", "{name} 已儲存。"],
    erase: ["Erase", "刪除個資"],
    erasePreview: ["Name, address, telephone and e-mail are removed from the customer and all their orders, for good. Figures and ledgers stay without them.", "將從此顧客及其所有訂單中永久移除姓名、地址、電話與電子郵件;數字與帳目保留。"],
    erased: ["The erasure has begun.", "已開始刪除。"],
    isErasing: ["Being erased", "刪除中"],
    isErased: ["Erased", "已刪除"],
    download: ["Export everything", "匯出全部資料"],
});

export default function CustomerPage({ params }: { params: Record<string, string> }) {
    const id = params.id ?? "";
    const found = useResource(`customer/${id}`, (signal) => call("GET /v1/customers/{id}", { id }, { signal }));
    return (
        <div className="page">
            <Loaded from={found}>{(one) => <Whole one={one} put={found.put} reload={found.reload} />}</Loaded>
        </div>
    );
}
function Whole({ one, put, reload }: { one: CustomerProfile; put: (one: CustomerProfile) => void; reload: () => void }) {
    const { history } = one;
    const commands: Command[] = [];
    if (can("customers:write") && !one.erased_at) {
        commands.push({ label: p.edit, keys: "e", run: () => edit(one, put) });
        if (one.merged_into) commands.push({ label: p.unmerge, run: () => void call("POST /v1/customers/{id}/unmerge", { id: one.id }).then(put) });
        commands.push({ label: p.erase, run: () => erase(one, put) });
    }
    commands.push({ label: p.download, run: () => void download(one) });
    useCommands(commands);
    return (
        <>
            <div className="page-head">
                <Link href="/customers">←</Link>
                <h1>{one.name ?? "–"}</h1>
                {one.tags.map((tag) => (
                    <Badge key={tag} tone="neutral">
                        {tag}
                    </Badge>
                ))}
                {one.erased_at ? <Badge tone="ended">{t(p.isErased)}</Badge> : one.erasing_since && <Badge tone="waiting">{t(p.isErasing)}</Badge>}
                {one.merged_into && <Link href={`/customers/${one.merged_into}`}>{t(p.mergedInto)}</Link>}
                <span className="grow" />
                {commands.slice(0, 1).map((command) => (
                    <Button key={command.label[0]} onClick={command.run}>
                        {t(command.label)}
                    </Button>
                ))}
                {commands.length > 1 && (
                    <Menu position="bottom-end">
                        <Menu.Target>
                            <Button variant="default">{t(w.more)}</Button>
                        </Menu.Target>
                        <Menu.Dropdown>
                            {commands.slice(1).map((command) => (
                                <Menu.Item key={command.label[0]} onClick={command.run}>
                                    {t(command.label)}
                                </Menu.Item>
                            ))}
                        </Menu.Dropdown>
                    </Menu>
                )}
            </div>
            <div className="columns">
                <div>
                    <Orders id={one.id} />
                    {!one.merged_into && !one.erased_at && <Same one={one} changed={reload} />}
                </div>
                <div>
                    <Panel title={t(p.profile)}>
                        <Facts
                            rows={[
                                [t(p.phone), one.phone && <span className="strong">{one.phone}</span>],
                                [t(p.email), one.email],
                                [t(p.language), one.locale],
                                [t(p.marketing), t(one.accepts_marketing ? w.yes : w.no)],
                                [t(w.note), one.note],
                            ]}
                        />
                    </Panel>
                    {history && (
                        <Panel title={t(p.history)}>
                            <Facts
                                rows={[
                                    [t(p.count), history.orders],
                                    [t(p.spend), history.spend.map((spend) => money(spend.paid)).join(", ")],
                                    [t(p.cancelled), history.cancelled_orders || ""],
                                    [t(p.returned), history.returned_orders || ""],
                                    [t(p.refusals), history.cod_refusals > 0 && <Badge tone="problem">{history.cod_refusals}</Badge>],
                                    [t(p.first), <Time key="first" at={history.first_order_at} />],
                                    [t(p.last), <Time key="last" at={history.last_order_at} />],
                                ]}
                            />
                        </Panel>
                    )}
                    {one.addresses.length > 0 && (
                        <Panel title={t(p.addresses)}>
                            {one.addresses.map(({ id, label, address }) => (
                                <p key={id}>
                                    {label && <b>{label} </b>}
                                    {address && [address.name, address.phone, address.postcode, address.city, address.district, address.address1, address.address2].filter(Boolean).join(" ")}
                                </p>
                            ))}
                        </Panel>
                    )}
                </div>
            </div>
        </>
    );
}
function Orders({ id }: { id: string }) {
    const orders = useResource(`customer-orders/${id}`, (signal) => call("GET /v1/customers/{id}/orders", { id, limit: 100 }, { signal }));
    return (
        <Panel title={t(p.orders)}>
            <Loaded from={orders} rows={4}>
                {({ data }) =>
                    data.length === 0 ? (
                        <p className="empty-line">{t(p.noOrders)}</p>
                    ) : (
                        <table className="grid">
                            <tbody>
                                {data.map((order) => (
                                    <tr key={order.id}>
                                        <td>
                                            <Link href={`/orders/${order.number}`}>{order.number}</Link>
                                        </td>
                                        <td>
                                            <Time at={order.placed_at} />
                                        </td>
                                        <td>{order.channel}</td>
                                        <td className="num">
                                            <Money of={order.current_total ?? order.total} />
                                        </td>
                                        <td>
                                            <span className="badges">
                                                <Status of={orderWords} is={order.status} />
                                                <Status of={paymentWords} is={order.payment_status} />
                                                <Status of={fulfillmentWords} is={order.fulfillment_status} />
                                            </span>
                                        </td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    )
                }
            </Loaded>
        </Panel>
    );
}
const BECAUSE: Record<string, Phrase> = { phone: p.phone, email: p.email };
function Same({ one, changed }: { one: CustomerProfile; changed: () => void }) {
    const found = useResource(`same/${one.id}/${one.version}`, (signal) => call("GET /v1/customers/{id}/suggestions", { id: one.id }, { signal }));
    if (!found.data || found.data.data.length === 0) return null;
    return (
        <Panel title={t(p.same)}>
            <table className="grid">
                <tbody>
                    {found.data.data.map(
                        ({ customer, reasons }) =>
                            customer && (
                                <tr key={customer.id}>
                                    <td>
                                        <Link href={`/customers/${customer.id}`}>{customer.name}</Link>
                                        <small>{[customer.phone, customer.email].filter(Boolean).join(" · ")}</small>
                                    </td>
                                    <td>{reasons.map((reason) => t(p.because, { what: BECAUSE[reason] ? t(BECAUSE[reason]) : reason })).join(", ")}</td>
                                    <td className="actions">
                                        {can("customers:write") && (
                                            <Button size="compact-xs" variant="default" onClick={() => merge(one, customer, changed)}>
                                                {t(p.merge)}
                                            </Button>
                                        )}
                                    </td>
                                </tr>
                            ),
                    )}
                </tbody>
            </table>
        </Panel>
    );
}
function merge(one: CustomerProfile, other: CustomerProfile, changed: () => void) {
    const name = other.name ?? other.id;
    act({
        title: `${t(p.merge)} · ${one.name}`,
        preview: <p>{t(p.mergePreview, { other: name })}</p>,
        verb: t(p.merge),
        run: async (_, key) => {
            await call("POST /v1/customers/{id}/merge", { id: one.id, other: other.id }, { key });
            changed();
            return { text: t(p.merged, { other: name }), undo: () => void call("POST /v1/customers/{id}/unmerge", { id: other.id }).then(changed) };
        },
    });
}
function edit(one: CustomerProfile, put: (one: CustomerProfile) => void) {
    act({
        title: `${t(p.edit)} · ${one.name ?? ""}`,
        preview: <p>{t(p.editPreview)}</p>,
        fields: [
            { name: "name", label: w.name, initial: one.name ?? "" },
            { name: "phone", label: p.phone, initial: one.phone ?? "", isOptional: true },
            { name: "email", label: p.email, kind: "email", initial: one.email ?? "", isOptional: true },
            { name: "note", label: w.note, kind: "long", initial: one.note ?? "", isOptional: true },
        ],
        verb: t(w.save),
        run: async (values) => {
            const clear = (["phone", "email", "note"] as const).filter((name) => one[name] && !values[name]);
            put(await call("PATCH /v1/customers/{id}", { id: one.id, version: one.version, name: values.name, phone: values.phone || undefined, email: values.email || undefined, note: values.note || undefined, clear }));
            return t(p.saved, { name: values.name ?? "" });
        },
    });
}
function erase(one: CustomerProfile, put: (one: CustomerProfile) => void) {
    act({
        title: `${t(p.erase)} · ${one.name ?? ""}`,
        preview: <p>{t(p.erasePreview)}</p>,
        verb: t(p.erase),
        isGrave: true,
        run: async (_, key) => {
            put(await call("POST /v1/customers/{id}/erase", { id: one.id }, { key }));
            return t(p.erased);
        },
    });
}
/** Everything that is held about the customer, as one file; large histories come in parts. */
async function download(one: CustomerProfile) {
    const parts: unknown[] = [];
    for (let after: string | undefined; ; ) {
        const part = await call("GET /v1/customers/{id}/export", { id: one.id, after });
        parts.push(part);
        if (!part.more_after) break;
        after = part.more_after;
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(parts, null, 1)], { type: "application/json" }));
    link.download = `customer-${one.id}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
    tell(t(p.download));
}
