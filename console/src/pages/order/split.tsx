// Splitting: what stays and what goes side by side, with the totals of both as the quantities move.
import { Button, Checkbox, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { call, newKey, Problem } from "../../api/client";
import type { Order, SplitOrders } from "../../api/schema.gen";
import { t, words } from "../../i18n";
import { useCommands } from "../../ui/commands";
import { isAmount } from "../../ui/decimal";
import { isZero, Money, Panel, ProblemNote } from "../../ui/parts";
import { tell } from "../../ui/toasts";
import { w } from "../../ui/words";
import { p } from "./words";

const s = words({
    title: ["Split {number}", "拆分 {number}"],
    hint: ["Say how many units go to a new order with a letter; what is picked or shipped stays.", "輸入要移至新子訂單的數量;已揀或已出貨的不會移動。"],
    goes: ["Goes", "移出"],
    stays: ["Stays", "保留"],
    goesOf: ["How many of {name} go", "{name} 移出數量"],
    open: ["Can go", "可移出"],
    allOf: ["All", "全部"],
    shipping: ["Shipping that goes too", "一併移出的運費"],
    tellParent: ["Mail for what stays", "就保留部分通知顧客"],
    tellChild: ["Mail for what goes", "就移出部分通知顧客"],
    do: ["Split", "拆分"],
    parent: ["Stays: {number}", "保留:{number}"],
    child: ["New: {number}", "新訂單:{number}"],
    nothing: ["Nothing goes yet.", "尚未選擇移出的品項。"],
    done: ["Split: {child} is placed beside {parent}.", "已拆分:{child} 與 {parent} 並存。"],
});

export default function SplitPanel({ order, put, close }: { order: Order; put: (order: Order) => void; close: () => void }) {
    const [counts, setCounts] = useState<Record<string, string>>({});
    const [shipping, setShipping] = useState("0");
    const [tellsParent, setTellsParent] = useState(false);
    const [tellsChild, setTellsChild] = useState(true);
    const [preview, setPreview] = useState<SplitOrders | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [isRunning, setRunning] = useState(false);
    const attempt = useRef(newKey());
    const movable = (id: string) => {
        const line = order.lines.find((one) => one.id === id);
        return line ? Math.max(0, line.open - line.picked - line.packed) : 0;
    };
    const lines = order.lines.map((line) => ({ line_id: line.id, quantity: Number(counts[line.id] ?? 0) })).filter((one) => one.quantity > 0);
    const request = {
        id: order.id, version: order.version, lines,
        shipping: isAmount(shipping) && Number(shipping) > 0 ? { amount: shipping.trim(), currency: order.currency ?? "" } : undefined,
    };
    const shape = JSON.stringify(request);
    useEffect(() => {
        setProblem(null);
        if (lines.length === 0) return setPreview(null);
        const abort = new AbortController();
        const timer = setTimeout(
            () =>
                void call("POST /v1/orders/{id}/split/preview", request, { signal: abort.signal }).then(setPreview, (error: unknown) => {
                    if (abort.signal.aborted) return;
                    setPreview(null);
                    setProblem(error instanceof Problem ? error : null);
                }),
            200,
        );
        return () => {
            clearTimeout(timer);
            abort.abort();
        };
    }, [shape]);
    async function split() {
        if (!preview || isRunning) return;
        setRunning(true);
        try {
            const made = await call("POST /v1/orders/{id}/split", { ...request, notify_parent: tellsParent, notify_child: tellsChild }, { key: attempt.current });
            if (made.parent) put(made.parent);
            tell(t(s.done, { child: made.child?.number ?? "", parent: order.number }));
            close();
        } catch (error) {
            attempt.current = newKey();
            setProblem(error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null));
            setRunning(false);
        }
    }
    useCommands([{ label: w.cancelDialog, keys: "Escape", run: close, keyOnly: true }]);
    return (
        <Panel title={t(s.title, { number: order.number })} className="editing">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    void split();
                }}
            >
                <p className="empty-line">{t(s.hint)}</p>
                <table className="grid">
                    <thead>
                        <tr>
                            <th scope="col">{t(p.item)}</th>
                            <th scope="col" className="num">{t(s.open)}</th>
                            <th scope="col" className="num">{t(s.stays)}</th>
                            <th scope="col" className="num">{t(s.goes)}</th>
                            <th scope="col">
                                <span className="hidden">{t(w.more)}</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {order.lines.map((line, i) => {
                            const most = movable(line.id), name = line.name ?? line.sku ?? "", goes = Number(counts[line.id] ?? 0) || 0;
                            return (
                                <tr key={line.id} className={most === 0 ? "over" : undefined}>
                                    <td>
                                        {name}
                                        <small>{line.sku}</small>
                                    </td>
                                    <td className="num">{most}</td>
                                    <td className="num">{line.quantity - line.cancelled - goes}</td>
                                    <td className="num short-field">
                                        <TextInput aria-label={t(s.goesOf, { name })} inputMode="numeric" classNames={{ input: "num" }} value={counts[line.id] ?? "0"} disabled={most === 0} autoFocus={i === 0} error={goes > most} onFocus={(event) => event.currentTarget.select()} onChange={(event) => setCounts({ ...counts, [line.id]: event.currentTarget.value.replace(/\D/g, "") })} />
                                    </td>
                                    <td className="actions">
                                        {most > 0 && (
                                            <button type="button" className="quiet" onClick={() => setCounts({ ...counts, [line.id]: String(goes === most ? 0 : most) })}>
                                                {t(s.allOf)}
                                            </button>
                                        )}
                                    </td>
                                </tr>
                            );
                        })}
                    </tbody>
                </table>
                <div className="halves" role="status">
                    {preview ? (
                        <>
                            <Half title={t(s.parent, { number: order.number })} order={preview.parent} />
                            <Half title={t(s.child, { number: preview.child?.number ?? "" })} order={preview.child} />
                        </>
                    ) : (
                        !problem && <p className="fine">{t(s.nothing)}</p>
                    )}
                    {problem && <ProblemNote problem={problem} />}
                </div>
                <div className="edit-row">
                    {!isZero(order.shipping_total) && <TextInput label={t(s.shipping)} inputMode="decimal" classNames={{ input: "num" }} value={shipping} error={!isAmount(shipping)} onChange={(event) => setShipping(event.currentTarget.value)} />}
                    <Checkbox label={t(s.tellParent)} checked={tellsParent} onChange={(event) => setTellsParent(event.currentTarget.checked)} />
                    <Checkbox label={t(s.tellChild)} checked={tellsChild} onChange={(event) => setTellsChild(event.currentTarget.checked)} />
                    <span className="grow" />
                    <Button variant="default" onClick={close}>
                        {t(w.cancelDialog)}
                    </Button>
                    <Button type="submit" loading={isRunning} disabled={!preview}>
                        {t(s.do)}
                    </Button>
                </div>
            </form>
        </Panel>
    );
}
function Half({ title, order }: { title: string; order: Order | null }) {
    if (!order) return null;
    return (
        <section>
            <h3>{title}</h3>
            <ul className="mini-lines">
                {order.lines
                    .filter((line) => line.quantity > line.cancelled)
                    .map((line) => (
                        <li key={line.id || line.sku}>
                            <span className="num">{line.quantity - line.cancelled}</span>
                            <span>{line.name ?? line.sku}</span>
                            <Money of={line.total} bare />
                        </li>
                    ))}
            </ul>
            <p className="num">
                {t(p.now)} <Money of={order.current_total ?? order.total} strong /> · {t(p.paid)} <Money of={order.paid_total} bare /> · {t(p.due)} <Money of={order.amount_due} bare />
            </p>
        </section>
    );
}
