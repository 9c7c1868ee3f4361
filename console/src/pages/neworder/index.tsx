// An order by telephone, chat or over the counter: one page from top to bottom. Enter moves on, Ctrl-Enter places.
// The server prices it and looks at the stock at every change; the same page edits a draft.
import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { call, newKey, Problem, type Input } from "../../api/client";
import type { CustomerProfile, Draft, OrderPreview, PlaceOrderRequest } from "../../api/schema.gen";
import { asIs, money, t } from "../../i18n";
import { useCommands } from "../../ui/commands";
import { isAmount } from "../../ui/decimal";
import { ItemInput, useItems } from "../../ui/items";
import { Loaded, Money, Panel, ProblemNote } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { navigate } from "../../ui/router";
import { tell } from "../../ui/toasts";
import { w } from "../../ui/words";
import { methodPhrase, METHODS } from "../order/money";
import { blank, fromRequest, toRequest, type Form, type LineForm } from "./form";
import { p } from "./words";

export default function NewOrderPage({ params }: { params: Record<string, string> }) {
    const draft = useResource(params.id ? `draft/${params.id}` : null, (signal) => call("GET /v1/drafts/{id}", { id: params.id ?? "" }, { signal }));
    const channels = useResource("channels", (signal) => call("GET /v1/channels", { limit: 200 }, { signal }));
    const shop = useResource("shop", (signal) => call("GET /v1/shop", {}, { signal }));
    const api = channels.data?.data.filter((one) => one.is_active && one.type === "api").map((one) => one.name ?? "") ?? [];
    return (
        <div className="page narrow-form">
            <Loaded from={shop} rows={10}>
                {(found) => (params.id ? <Loaded from={draft}>{(one) => <Whole key={one.id} draft={one} currency={found.currency ?? ""} channels={api} />}</Loaded> : <Whole draft={null} currency={found.currency ?? ""} channels={api} />)}
            </Loaded>
        </div>
    );
}

/** Enter goes to the next field, as in a till. */
function moveOn(event: React.KeyboardEvent<HTMLFormElement>) {
    if (event.key !== "Enter" || event.defaultPrevented || event.ctrlKey || event.metaKey || !(event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement)) return;
    event.preventDefault();
    const fields = [...event.currentTarget.querySelectorAll<HTMLElement>("input:not([disabled]):not([type=checkbox]), select")];
    fields[fields.indexOf(event.target) + 1]?.focus();
}

function Whole({ draft, currency, channels }: { draft: Draft | null; currency: string; channels: readonly string[] }) {
    const [form, setForm] = useState<Form>(() => (draft?.order ? fromRequest(draft.order) : blank()));
    const [preview, setPreview] = useState<OrderPreview | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [isRunning, setRunning] = useState(false);
    const [sku, setSku] = useState("");
    const attempt = useRef(newKey());
    const kept = useRef(draft);
    const items = useItems();
    const change = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }));
    const channel = form.channel || channels[0] || "";
    const request: Input<PlaceOrderRequest> = toRequest({ ...form, channel }, currency);
    const shape = JSON.stringify(request);
    useEffect(() => {
        if (form.lines.length === 0) return setPreview(null);
        const abort = new AbortController();
        const timer = setTimeout(() => void call("POST /v1/orders/preview", { order: request }, { signal: abort.signal }).then(setPreview, () => undefined), 200);
        return () => {
            clearTimeout(timer);
            abort.abort();
        };
    }, [shape]);

    const run = async (work: () => Promise<void>) => {
        if (isRunning) return;
        setRunning(true);
        setProblem(null);
        try {
            await work();
        } catch (error) {
            if (error instanceof Problem && error.status >= 400 && error.status < 500) attempt.current = newKey();
            setProblem(error instanceof Problem ? error : new Problem(0, "broken", String(error), null, null));
        }
        setRunning(false);
    };
    const keep = async () => {
        const title = form.name || form.phone || t(p.draft);
        kept.current = kept.current
            ? await call("PATCH /v1/drafts/{id}", { id: kept.current.id, version: kept.current.version, title, order: request })
            : await call("POST /v1/drafts", { title, order: request }, { key: newKey() });
        return kept.current;
    };
    const place = () =>
        run(async () => {
            const order = kept.current ? await call("POST /v1/drafts/{id}/place", { id: (await keep()).id }, { key: attempt.current }) : await call("POST /v1/orders", request, { key: attempt.current });
            tell(t(p.placed, { number: order.number, amount: money(order.total) }));
            navigate(`/orders/${order.number}`);
        });
    const save = () =>
        run(async () => {
            const one = await keep();
            tell(t(p.draftSaved, { title: one.title ?? "" }));
            navigate(`/drafts/${one.id}`, { replace: true });
        });
    useCommands([
        { label: p.place, keys: "Mod+Enter", run: () => void place(), always: true },
        { label: p.saveDraft, keys: "Mod+s", run: () => void save(), always: true },
    ]);
    const addLine = (line: Partial<LineForm>) => setForm((before) => ({ ...before, lines: [...before.lines, { key: newKey(), sku: "", name: "", price: "", quantity: "1", isCustom: false, ...line }] }));
    const changeLine = (key: string, part: Partial<LineForm>) => setForm((before) => ({ ...before, lines: before.lines.map((one) => (one.key === key ? { ...one, ...part } : one)) }));
    const add = () => {
        const item = items.get(sku.trim());
        if (!item) return;
        addLine({ sku: sku.trim(), name: item.name ?? "", price: item.price?.currency === currency ? item.price.amount : "" });
        setSku("");
    };
    const total = preview?.order?.total, short = preview?.lines.filter((line) => line.missing > 0) ?? [];
    return (
        <form
            className="order-form"
            onKeyDown={moveOn}
            onSubmit={(event) => {
                event.preventDefault();
                void place();
            }}
        >
            <div className="page-head">
                <h1>{draft ? `${t(p.draft)} · ${draft.title ?? ""}` : t(p.title)}</h1>
                <span className="grow" />
                {channels.length > 1 && <NativeSelect aria-label={t(w.channel)} value={channel} data={[...channels]} onChange={(event) => change({ channel: event.currentTarget.value })} />}
            </div>
            <CustomerPart form={form} change={change} />
            <Panel title={`${t(p.items)} · ${currency}`}>
                {form.lines.length > 0 && (
                    <table className="grid">
                        <tbody>
                            {form.lines.map((line) => {
                                const told = preview?.lines[form.lines.indexOf(line)];
                                return (
                                    <tr key={line.key}>
                                        <td>
                                            {line.isCustom ? <TextInput aria-label={t(p.customName)} placeholder={t(p.customName)} autoFocus value={line.name} onChange={(event) => changeLine(line.key, { name: event.currentTarget.value })} /> : line.name}
                                            <small>
                                                {line.isCustom ? t(p.custom) : line.sku}
                                                {told && !line.isCustom && ` · ${told.missing > 0 ? t(p.shortBy, { missing: told.missing, available: told.available }) : t(p.inStock, { available: told.available })}`}
                                            </small>
                                        </td>
                                        <td className="short-field">
                                            <TextInput aria-label={t(p.quantityOf, { name: line.name })} inputMode="numeric" classNames={{ input: "num" }} value={line.quantity} error={!/^[1-9]\d*$/.test(line.quantity)} onFocus={(event) => event.currentTarget.select()} onChange={(event) => changeLine(line.key, { quantity: event.currentTarget.value })} />
                                        </td>
                                        <td className="short-field">
                                            <TextInput aria-label={t(p.priceOf, { name: line.name })} inputMode="decimal" classNames={{ input: "num" }} value={line.price} error={!isAmount(line.price)} onFocus={(event) => event.currentTarget.select()} onChange={(event) => changeLine(line.key, { price: event.currentTarget.value })} />
                                        </td>
                                        <td className="actions">
                                            <button type="button" className="quiet" aria-label={t(p.removeOf, { name: line.name })} onClick={() => change({ lines: form.lines.filter((one) => one !== line) })}>
                                                ×
                                            </button>
                                        </td>
                                    </tr>
                                );
                            })}
                        </tbody>
                    </table>
                )}
                <div className="edit-row">
                    <ItemInput label={t(p.addItem)} value={sku} change={setSku} onEnter={add} />
                    <Button variant="default" onClick={() => addLine({ isCustom: true })}>
                        + {t(p.custom)}
                    </Button>
                </div>
            </Panel>
            <DeliveryPart form={form} change={change} currency={currency} />
            <Panel title={t(p.money)}>
                <div className="fields">
                    <TextInput label={t(p.discountWhy)} value={form.discountTitle} onChange={(event) => change({ discountTitle: event.currentTarget.value })} />
                    <TextInput label={`${t(p.discount)} (${currency})`} inputMode="decimal" classNames={{ input: "num" }} value={form.discount} error={form.discount !== "" && !isAmount(form.discount)} onChange={(event) => change({ discount: event.currentTarget.value })} />
                    <NativeSelect label={t(p.payment)} value={form.payment} data={[{ value: "", label: t(p.notPaid) }, ...METHODS.filter((one) => one !== "cash_on_delivery").map((value) => ({ value, label: t(p.paidBy, { method: t(methodPhrase(value)) }) }))]} onChange={(event) => change({ payment: event.currentTarget.value })} />
                </div>
                <div className="edit-row">
                    <Checkbox label={t(p.tell)} checked={form.tells} onChange={(event) => change({ tells: event.currentTarget.checked })} />
                    <Checkbox label={t(p.acceptShort)} checked={form.acceptsShort} onChange={(event) => change({ acceptsShort: event.currentTarget.checked })} />
                </div>
            </Panel>
            <div className="order-foot" role="status">
                {short.length > 0 && <p className="tone-problem badge">{t(p.short, { skus: short.map((one) => one.sku).join(", ") })}</p>}
                {preview?.problems.map((one) => (
                    <p key={`${one.code}${one.field}`} className="fine">
                        {one.message}
                    </p>
                ))}
                {problem && <ProblemNote problem={problem} />}
                <div>
                    {total && (
                        <span>
                            {t(p.total)} <Money of={total} strong />
                        </span>
                    )}
                    <span className="grow" />
                    <Button variant="default" onClick={() => void save()} loading={isRunning}>
                        {t(p.saveDraft)}
                    </Button>
                    <Button type="submit" disabled={form.lines.length === 0} loading={isRunning}>
                        {t(p.place)}
                    </Button>
                </div>
            </div>
        </form>
    );
}

function CustomerPart({ form, change }: { form: Form; change: (part: Partial<Form>) => void }) {
    const [wanted, setWanted] = useState("");
    const [found, setFound] = useState<readonly CustomerProfile[]>([]);
    useEffect(() => {
        if (wanted.trim().length < 3 || form.customerId) return setFound([]);
        const abort = new AbortController();
        const timer = setTimeout(() => void call("GET /v1/customers", { q: wanted.trim(), limit: 5 }, { signal: abort.signal }).then((page) => setFound(page.data), () => undefined), 150);
        return () => {
            clearTimeout(timer);
            abort.abort();
        };
    }, [wanted, form.customerId]);
    const choose = (one: CustomerProfile) => {
        const address = one.addresses[0]?.address;
        change({
            customerId: one.id, name: one.name ?? "", phone: one.phone ?? wanted, email: one.email ?? "", recipient: address?.name ?? one.name ?? "",
            address1: address?.address1 ?? form.address1, district: address?.district ?? form.district, city: address?.city ?? form.city, postcode: address?.postcode ?? form.postcode, country: address?.country ?? form.country,
        });
        setFound([]);
    };
    return (
        <Panel title={t(p.customer)} aside={form.customerId && <span className="fine">{t(p.known)}</span>}>
            <div className="fields">
                <TextInput
                    label={t(p.phone)} value={form.phone} autoFocus autoComplete="off" inputMode="tel"
                    onChange={(event) => {
                        setWanted(event.currentTarget.value);
                        change({ phone: event.currentTarget.value, customerId: "" });
                    }}
                    onKeyDown={(event) => {
                        const [first] = found;
                        if (event.key === "Enter" && first && !event.ctrlKey) choose(first);
                    }}
                />
                <TextInput label={t(w.name)} value={form.name} autoComplete="off" onChange={(event) => change({ name: event.currentTarget.value, recipient: form.recipient === form.name ? event.currentTarget.value : form.recipient })} />
                <TextInput label={`${t(p.email)} (${t(w.optional)})`} type="email" value={form.email} autoComplete="off" onChange={(event) => change({ email: event.currentTarget.value })} />
            </div>
            {found.length > 0 && (
                <ul className="found" aria-label={t(p.found)}>
                    {found.map((one, i) => (
                        <li key={one.id}>
                            <button type="button" onClick={() => choose(one)}>
                                {i === 0 && <kbd>Enter</kbd>} {one.name} · {one.phone} · {one.email}
                            </button>
                        </li>
                    ))}
                </ul>
            )}
        </Panel>
    );
}

function DeliveryPart({ form, change, currency }: { form: Form; change: (part: Partial<Form>) => void; currency: string }) {
    const offers = useResource("delivery-methods", (signal) => call("GET /v1/delivery-methods", { limit: 200 }, { signal }));
    const known = offers.data?.data ?? [];
    const choose = (code: string) => {
        const offer = known.find((one) => one.code === code), price = offer?.prices.find((one) => one.currency === currency);
        if (offer) change({ offer: code, method: offer.method ?? "home", carrier: offer.carrier ?? "", cod: offer.cash_on_delivery, shippingTitle: offer.name ?? code, shipping: price?.amount ?? form.shipping });
        else change({ offer: "", method: (code as Form["method"]) || "home", carrier: "", shippingTitle: "" });
    };
    const isStore = form.method === "convenience_store" || form.method === "store_pickup";
    const typed = [{ value: "home", label: t(p.home) }, { value: "convenience_store", label: t(p.convenienceStore) }, { value: "store_pickup", label: t(p.storePickup) }, { value: "digital", label: t(p.digital) }];
    return (
        <Panel title={t(p.delivery)}>
            <div className="fields">
                <NativeSelect label={t(p.method)} value={form.offer || form.method} data={[...known.map((one) => ({ value: one.code ?? "", label: t(asIs(one.name ?? one.code ?? "")) })), ...typed]} onChange={(event) => choose(event.currentTarget.value)} />
                <TextInput label={`${t(p.shippingPrice)} (${currency})`} inputMode="decimal" classNames={{ input: "num" }} value={form.shipping} error={form.shipping !== "" && !isAmount(form.shipping)} onChange={(event) => change({ shipping: event.currentTarget.value })} />
                {!form.offer && form.method !== "digital" && <Checkbox label={t(p.cod)} checked={form.cod} onChange={(event) => change({ cod: event.currentTarget.checked })} />}
            </div>
            {form.method !== "digital" && (
                <div className="fields">
                    <TextInput label={t(p.recipient)} value={form.recipient} onChange={(event) => change({ recipient: event.currentTarget.value })} />
                    {isStore ? (
                        <>
                            {!form.offer && form.method === "convenience_store" && <NativeSelect label={t(p.brand)} value={form.carrier} data={["", "7_eleven", "family_mart", "hi_life", "ok_mart", "sf_express"]} onChange={(event) => change({ carrier: event.currentTarget.value })} />}
                            <TextInput label={t(p.storeCode)} value={form.storeCode} onChange={(event) => change({ storeCode: event.currentTarget.value })} />
                            <TextInput label={t(p.storeName)} value={form.storeName} onChange={(event) => change({ storeName: event.currentTarget.value })} />
                        </>
                    ) : (
                        <>
                            <TextInput label={t(p.address)} value={form.address1} onChange={(event) => change({ address1: event.currentTarget.value })} />
                            <TextInput label={t(p.district)} value={form.district} onChange={(event) => change({ district: event.currentTarget.value })} />
                            <TextInput label={t(p.city)} value={form.city} onChange={(event) => change({ city: event.currentTarget.value })} />
                            <TextInput label={`${t(p.postcode)} (${t(w.optional)})`} value={form.postcode} onChange={(event) => change({ postcode: event.currentTarget.value })} />
                        </>
                    )}
                    <NativeSelect label={t(p.country)} value={form.country} data={["HK", "TW", "MO", "CN", "SG", "JP", "US", "GB"]} onChange={(event) => change({ country: event.currentTarget.value })} />
                </div>
            )}
        </Panel>
    );
}
