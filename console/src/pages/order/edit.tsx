// Editing in place: the lines become fields, the server says at every change what it would come to (difference, stock,
// what the warehouse stops), and one button does all of it or nothing.
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { call, newKey, Problem, type Input } from "../../api/client";
import type { EditOperation, EditPreview, Order } from "../../api/schema.gen";
import { can } from "../../api/session";
import { money, t, words } from "../../i18n";
import { useCommands } from "../../ui/commands";
import { isAmount } from "../../ui/decimal";
import { ItemInput, useItems } from "../../ui/items";
import { Money, Panel, ProblemNote } from "../../ui/parts";
import { tell } from "../../ui/toasts";
import { w } from "../../ui/words";
import { p } from "./words";

const e = words({
    title: ["Edit the lines", "編輯品項"],
    quantityOf: ["Quantity of {name}", "{name} 的數量"],
    least: ["at least {count}: picked or shipped", "至少 {count}:已揀或已出貨"],
    replaceWith: ["Replace {name} with", "將 {name} 換成"],
    swap: ["Replace", "更換"],
    remove: ["Remove", "移除"],
    keep: ["Keep", "保留"],
    discountOf: ["Discount of {name}", "{name} 的折扣"],
    addItem: ["Add: SKU", "新增:SKU"],
    addCustom: ["Custom line", "自訂品項"],
    customName: ["Name of the line", "品項名稱"],
    customPrice: ["Price", "單價"],
    unknown: ["There is no item {sku}.", "沒有 {sku} 這個商品。"],
    collect: ["+ {amount} to collect", "加收 {amount}"],
    giveBack: ["− {amount} less", "減少 {amount}"],
    same: ["The total stays {amount}", "總額維持 {amount}"],
    totalBecomes: ["Total {before} → {after}", "總額 {before} → {after}"],
    takes: ["{sku}: {taken} taken, {available} in stock", "{sku}:佔用 {taken},可用 {available}"],
    short: ["{sku} is short: {taken} wanted, {available} there. Nothing would be changed.", "{sku} 不足:需要 {taken},可用 {available}。不會有任何變更。"],
    back: ["{sku}: {count} back to stock", "{sku}:退回庫存 {count}"],
    stops: ["The warehouse stops {count} × {sku}", "倉庫停止處理 {sku} × {count}"],
    rebased: ["The order was changed elsewhere meanwhile; this is your edit on top of that.", "訂單已被他人變更;以下為套用在最新版本上的結果。"],
    owed: ["{amount} becomes due for refund.", "{amount} 將列為應退款。"],
    refundNow: ["Record it as refunded now", "立即登錄為已退款"],
    reason: ["Reason", "原因"],
    notify: ["Tell the customer by e-mail", "以電子郵件通知顧客"],
    save: ["Save the changes", "儲存變更"],
    nothing: ["Nothing is changed yet.", "尚未變更任何內容。"],
    saved: ["{number} is changed: {before} → {after}.", "{number} 已變更:{before} → {after}。"],
});

interface LineDraft {
    quantity: string;
    discount: string;
    replacement: string | null;
}
interface Added {
    key: string;
    sku: string;
    name: string;
    price: string;
    quantity: string;
    isCustom: boolean;
}
type Operation = Input<EditOperation>;
const isCount = (text: string) => /^\d{1,7}$/.test(text.trim());

export default function EditPanel({ order, put, close }: { order: Order; put: (order: Order) => void; close: () => void }) {
    const currency = order.currency ?? "";
    const initial = (): Record<string, LineDraft> => Object.fromEntries(order.lines.map((line) => [line.id, { quantity: String(line.quantity - line.cancelled), discount: line.discount?.amount ?? "0", replacement: null }]));
    const [lines, setLines] = useState(initial);
    const [added, setAdded] = useState<readonly Added[]>([]);
    const [sku, setSku] = useState("");
    const [reason, setReason] = useState("");
    const [tells, setTells] = useState(false);
    const [refunds, setRefunds] = useState(false);
    const [preview, setPreview] = useState<EditPreview | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [isRunning, setRunning] = useState(false);
    const attempt = useRef(newKey());
    const items = useItems();

    const operations: Operation[] = [];
    for (const line of order.lines) {
        const draft = lines[line.id], now = line.quantity - line.cancelled;
        if (!draft) continue;
        if (draft.replacement !== null && items.has(draft.replacement)) operations.push({ replace_line: { line: line.id, sku: draft.replacement } });
        else if (isCount(draft.quantity) && Number(draft.quantity) !== now) operations.push(Number(draft.quantity) === 0 ? { remove_line: { line: line.id } } : { set_quantity: { line: line.id, quantity: Number(draft.quantity) } });
        if (isAmount(draft.discount) && Number(draft.discount) !== Number(line.discount?.amount ?? 0)) operations.push({ set_line_discount: { line: line.id, discount: { amount: draft.discount.trim(), currency } } });
    }
    for (const one of added) {
        if (!isCount(one.quantity) || Number(one.quantity) === 0) continue;
        if (!one.isCustom) operations.push({ add_line: { sku: one.sku, quantity: Number(one.quantity) } });
        else if (one.name.trim() && isAmount(one.price)) operations.push({ add_line: { is_custom: true, name: one.name.trim(), quantity: Number(one.quantity), unit_price: { amount: one.price.trim(), currency } } });
    }
    const shape = JSON.stringify(operations);
    useEffect(() => {
        setProblem(null);
        if (operations.length === 0) return setPreview(null);
        const abort = new AbortController();
        const timer = setTimeout(() => {
            call("POST /v1/orders/{id}/edits/preview", { id: order.id, version: order.version, operations }, { signal: abort.signal }).then(setPreview, (error: unknown) => {
                if (abort.signal.aborted) return;
                setPreview(null);
                setProblem(error instanceof Problem ? error : null);
            });
        }, 200);
        return () => {
            clearTimeout(timer);
            abort.abort();
        };
    }, [shape, order.id, order.version]);

    async function save() {
        if (operations.length === 0 || isRunning) return;
        setRunning(true);
        setProblem(null);
        try {
            const after = await call("POST /v1/orders/{id}/edits", { id: order.id, version: order.version, operations, reason: reason || undefined, notify_customer: tells, credit: refunds ? "refund" : "leave" }, { key: attempt.current });
            put(after);
            tell(t(e.saved, { number: order.number, before: money(order.current_total), after: money(after.current_total) }));
            close();
        } catch (error) {
            attempt.current = newKey();
            setProblem(error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null));
            setRunning(false);
        }
    }
    const change = (id: string, part: Partial<LineDraft>) => setLines((before) => ({ ...before, [id]: { ...(before[id] as LineDraft), ...part } }));
    const changeAdded = (key: string, part: Partial<Added>) => setAdded((before) => before.map((one) => (one.key === key ? { ...one, ...part } : one)));
    function addItem() {
        if (!items.has(sku)) return;
        setAdded((before) => [...before, { key: newKey(), sku, name: "", price: "", quantity: "1", isCustom: false }]);
        setSku("");
    }
    useCommands([{ label: w.cancelDialog, keys: "Escape", run: close, keyOnly: true }]);

    return (
        <Panel title={`${t(e.title)} · ${currency}`} className="editing">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    void save();
                }}
                onKeyDown={(event) => {
                    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void save();
                }}
            >
                <table className="grid">
                    <thead>
                        <tr>
                            <th scope="col">{t(p.item)}</th>
                            <th scope="col" className="num">{t(p.price)}</th>
                            <th scope="col" className="num">{t(p.units)}</th>
                            <th scope="col" className="num">{t(p.discount)}</th>
                            <th scope="col">
                                <span className="hidden">{t(w.more)}</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {order.lines.map((line, i) => {
                            const draft = lines[line.id], name = line.name ?? line.sku ?? "", least = line.fulfilled + line.picked + line.packed;
                            if (!draft) return null;
                            return (
                                <tr key={line.id} className={draft.quantity === "0" ? "over" : undefined}>
                                    <td>
                                        {name}
                                        <small>{line.sku}</small>
                                        {draft.replacement !== null && <ItemInput label={t(e.replaceWith, { name })} value={draft.replacement} change={(value) => change(line.id, { replacement: value })} isWrong={draft.replacement !== "" && !items.has(draft.replacement)} />}
                                    </td>
                                    <td className="num">
                                        <Money of={line.unit_price} bare />
                                    </td>
                                    <td className="num short-field">
                                        <TextInput aria-label={t(e.quantityOf, { name })} inputMode="numeric" classNames={{ input: "num" }} value={draft.quantity} data-autofocus={i === 0 || undefined} autoFocus={i === 0} error={!isCount(draft.quantity) || Number(draft.quantity) < least} onFocus={(event) => event.currentTarget.select()} onChange={(event) => change(line.id, { quantity: event.currentTarget.value })} />
                                        {least > 0 && <small>{t(e.least, { count: least })}</small>}
                                    </td>
                                    <td className="num short-field">
                                        <TextInput aria-label={t(e.discountOf, { name })} inputMode="decimal" classNames={{ input: "num" }} value={draft.discount} error={!isAmount(draft.discount)} onFocus={(event) => event.currentTarget.select()} onChange={(event) => change(line.id, { discount: event.currentTarget.value })} />
                                    </td>
                                    <td className="actions">
                                        {line.open > 0 && !line.is_custom && (
                                            <button type="button" className="quiet" onClick={() => change(line.id, { replacement: draft.replacement === null ? "" : null })}>
                                                {t(draft.replacement === null ? e.swap : e.keep)}
                                            </button>
                                        )}
                                        {least === 0 && (
                                            <button type="button" className="quiet" onClick={() => change(line.id, { quantity: draft.quantity === "0" ? String(line.quantity - line.cancelled) : "0" })}>
                                                {t(draft.quantity === "0" ? e.keep : e.remove)}
                                            </button>
                                        )}
                                    </td>
                                </tr>
                            );
                        })}
                        {added.map((one) => (
                            <tr key={one.key}>
                                <td>
                                    {one.isCustom ? (
                                        <TextInput aria-label={t(e.customName)} placeholder={t(e.customName)} value={one.name} autoFocus onChange={(event) => changeAdded(one.key, { name: event.currentTarget.value })} />
                                    ) : (
                                        <>
                                            {items.get(one.sku)?.name} <small>{one.sku}</small>
                                        </>
                                    )}
                                </td>
                                <td className="num short-field">{one.isCustom ? <TextInput aria-label={t(e.customPrice)} inputMode="decimal" classNames={{ input: "num" }} value={one.price} onChange={(event) => changeAdded(one.key, { price: event.currentTarget.value })} /> : <Money of={items.get(one.sku)?.price} bare />}</td>
                                <td className="num short-field">
                                    <TextInput aria-label={t(e.quantityOf, { name: one.isCustom ? one.name : one.sku })} inputMode="numeric" classNames={{ input: "num" }} value={one.quantity} onChange={(event) => changeAdded(one.key, { quantity: event.currentTarget.value })} />
                                </td>
                                <td />
                                <td className="actions">
                                    <button type="button" className="quiet" onClick={() => setAdded((before) => before.filter((other) => other.key !== one.key))}>
                                        {t(e.remove)}
                                    </button>
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
                <div className="edit-row">
                    <ItemInput label={t(e.addItem)} value={sku} change={setSku} onEnter={addItem} isWrong={false} />
                    <Button variant="default" onClick={addItem} disabled={!items.has(sku)}>
                        +
                    </Button>
                    <Button variant="default" onClick={() => setAdded((before) => [...before, { key: newKey(), sku: "", name: "", price: "", quantity: "1", isCustom: true }])}>
                        {t(e.addCustom)}
                    </Button>
                </div>
                <div className="edit-preview" role="status">
                    {preview ? <Difference preview={preview} /> : !problem && <p className="fine">{t(e.nothing)}</p>}
                    {problem && <ProblemNote problem={problem} />}
                    {preview && Number(preview.refund_due?.amount) > 0 && can("payments:write") && <Checkbox label={t(e.refundNow)} checked={refunds} onChange={(event) => setRefunds(event.currentTarget.checked)} />}
                </div>
                <div className="edit-row">
                    <TextInput className="grow" aria-label={t(e.reason)} placeholder={t(e.reason)} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
                    <Checkbox label={t(e.notify)} checked={tells} onChange={(event) => setTells(event.currentTarget.checked)} />
                    <Button variant="default" onClick={close}>
                        {t(w.cancelDialog)}
                    </Button>
                    <Button type="submit" loading={isRunning} disabled={operations.length === 0 || preview === null || preview.is_short}>
                        {t(e.save)}
                    </Button>
                </div>
            </form>
        </Panel>
    );
}

function Difference({ preview }: { preview: EditPreview }) {
    const size = Number(preview.difference?.amount ?? 0);
    const amount = preview.difference ? money({ ...preview.difference, amount: preview.difference.amount.replace("-", "") }) : "";
    return (
        <>
            {preview.is_rebased && <p className="note tone-waiting">{t(e.rebased)}</p>}
            <p>
                <b className="num">{size > 0 ? t(e.collect, { amount }) : size < 0 ? t(e.giveBack, { amount }) : t(e.same, { amount: money(preview.total_after) })}</b>{" "}
                {size !== 0 && <span className="fine">{t(e.totalBecomes, { before: money(preview.total_before), after: money(preview.total_after) })}</span>}
            </p>
            {Number(preview.refund_due?.amount) > 0 && <p>{t(e.owed, { amount: money(preview.refund_due) })}</p>}
            {preview.stock.map((one) => {
                const sku = one.sku ?? "";
                if (!one.is_known) return <p key={sku}>{t(e.unknown, { sku })}</p>;
                if (one.taken > one.available) return <p key={sku} className="note tone-problem">{t(e.short, { sku, taken: one.taken, available: one.available })}</p>;
                return (
                    <p key={sku} className="fine">
                        {one.taken > 0 && t(e.takes, { sku, taken: one.taken, available: one.available })}
                        {one.given_back > 0 && t(e.back, { sku, count: one.given_back })}
                    </p>
                );
            })}
            {preview.stops.map((stop) => (
                <p key={stop.line} className="fine">
                    {t(e.stops, { sku: stop.sku ?? "", count: stop.quantity })}
                </p>
            ))}
        </>
    );
}
