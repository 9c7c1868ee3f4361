import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { Address, Message, Order } from "../../api/schema.gen";
import { can } from "../../api/session";
import { asIs, t } from "../../i18n";
import { act } from "../../ui/action";
import { useActorName } from "../../ui/actors";
import { exact } from "../../i18n/time";
import { CopyButton, Facts, Loaded, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link } from "../../ui/router";
import { Badge, messageWords, Status } from "../../ui/Status";
import { tell } from "../../ui/toasts";
import { w } from "../../ui/words";
import { releaseHold, type Changed } from "../orders/actions";
import { o } from "../orders/words";
import { p } from "./words";

export function setRemark(order: Order, changed: Changed) {
    act({
        title: `${t(p.setRemark)} · ${order.number}`,
        preview: <p>{t(p.remarkPreview)}</p>,
        fields: [{ name: "remark", label: p.setRemark, kind: "long", initial: order.shipping_remark ?? "", isOptional: true }],
        verb: t(w.save),
        run: async (values, key) => {
            changed(await call("POST /v1/orders/{id}/shipping-remark", { id: order.id, shipping_remark: values.remark }, { key }));
            return t(p.remarkDone, { number: order.number });
        },
    });
}

export function editAddress(order: Order, changed: Changed) {
    const to = order.shipping_address;
    const fields = [["name", p.recipient], ["phone", p.phone], ["address1", p.address], ["address2", p.address], ["district", p.district], ["city", p.city], ["postcode", p.postcode], ["country", p.country]] as const;
    act({
        title: `${t(p.editAddress)} · ${order.number}`,
        preview: <p>{t(p.addressPreview)}</p>,
        fields: fields.map(([name, label]) => ({ name, label, initial: to?.[name] ?? "", isOptional: name !== "country" })),
        verb: t(w.save),
        run: async (values, key) => {
            const address = { company: to?.company, email: to?.email, region: to?.region, ...Object.fromEntries(fields.map(([name]) => [name, values[name] || undefined])) };
            changed(await call("POST /v1/orders/{id}/edits", { id: order.id, version: order.version, operations: [{ set_shipping_address: address }] }, { key }));
            return t(p.addressDone, { number: order.number });
        },
    });
}

export function HoldsPanel({ order, put }: { order: Order; put: Changed }) {
    const nameOf = useActorName();
    if (order.holds.length === 0) return null;
    return (
        <Panel title={t(p.holds)}>
            <table className="grid">
                <tbody>
                    {order.holds.map((hold) => (
                        <tr key={hold.id}>
                            <td>
                                {hold.reason ?? hold.type}
                                <small>
                                    {hold.type} · {t(p.holdBy, { actor: nameOf(hold.actor) })} · <Time at={hold.placed_at} />
                                    {hold.expires_at && ` · ${t(p.holdUntil, { time: exact(hold.expires_at) })}`}
                                </small>
                            </td>
                            <td className="actions">
                                {can("orders:write") && (
                                    <Button variant="default" onClick={() => releaseHold(order, hold, put)}>
                                        {t(o.release)}
                                    </Button>
                                )}
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </Panel>
    );
}

function AddressText({ of }: { of: Address }) {
    const place = [of.postcode, of.country, of.region, of.city, of.district].filter(Boolean).join(" ");
    return (
        <>
            {[of.name, of.company, of.phone, place, of.address1, of.address2].filter(Boolean).map((line) => (
                <div key={line}>{line}</div>
            ))}
        </>
    );
}
export function CustomerPanel({ order }: { order: Order }) {
    const { customer, shipping_address: to, billing_address: bill } = order;
    const find = customer?.email ?? customer?.phone;
    const addressText = to ? [to.name, to.phone, to.postcode, to.city, to.district, to.address1, to.address2].filter(Boolean).join(" ") : "";
    return (
        <Panel title={t(p.customer)} aside={find && <Link href={`/orders?q=${encodeURIComponent(`customer:${find}`)}`}>{t(p.history)}</Link>}>
            <Facts
                rows={[
                    [t(w.name), customer?.name],
                    [t(p.email), customer?.email],
                    [t(p.phone), customer?.phone && <span className="strong">{customer.phone}</span>],
                    [t(p.shipTo), to && <><AddressText of={to} /><CopyButton text={addressText} label={t(w.copy)} /></>],
                    [t(p.method_), order.shipping_lines.map((one) => one.title ?? one.code).join(", ")],
                    [t(p.billTo), bill && <AddressText of={bill} />],
                ]}
            />
        </Panel>
    );
}
export function FactsPanel({ order }: { order: Order }) {
    return (
        <Panel title={t(w.details)}>
            <Facts
                rows={[
                    [t(p.tags), order.tags.length > 0 && order.tags.map((tag) => <Badge key={tag} tone="neutral">{tag}</Badge>)],
                    [t(p.fromCustomer), order.note],
                    [t(p.shippingRemark), order.shipping_remark],
                    [t(p.channel), order.channel],
                    [t(p.channelNumber), order.external_number],
                    [t(p.channelId), order.external_id],
                    [t(p.placed), exact(order.placed_at)],
                    [t(p.changed), exact(order.updated_at)],
                    [t(p.language), order.locale],
                    [t(p.version), order.version],
                    [t(o.cancel), order.cancelled_at && `${order.cancel_reason ?? ""} ${exact(order.cancelled_at)}`],
                ]}
            />
        </Panel>
    );
}
export function MailsPanel({ order }: { order: Order }) {
    const mails = useResource(`mails/${order.id}/${order.version}`, (signal) => call("GET /v1/messages", { order: order.id }, { signal }));
    const template = (mail: Message) => t(mail.template && mail.template in p ? p[mail.template as "shipment"] : asIs(mail.template ?? ""));
    return (
        <Panel title={t(p.mails)}>
            <Loaded from={mails} rows={2}>
                {({ data }) =>
                    data.length === 0 ? (
                        <p className="empty-line">{t(p.noMails)}</p>
                    ) : (
                        <table className="grid">
                            <tbody>
                                {data.map((mail) => (
                                    <tr key={mail.id}>
                                        <td>
                                            {template(mail)}
                                            <small>
                                                {mail.recipient_masked} · <Time at={mail.sent_at ?? mail.queued_at} />
                                            </small>
                                            {mail.last_error && <small>{mail.last_error}</small>}
                                        </td>
                                        <td className="actions">
                                            <Status of={messageWords} is={mail.status} />
                                            {mail.status === "failed" && can("messages:write") && (
                                                <button
                                                    type="button"
                                                    className="quiet"
                                                    onClick={() =>
                                                        void call("POST /v1/messages/{id}/retry", { id: mail.id }).then(() => {
                                                            tell(t(p.mailRetried));
                                                            mails.reload();
                                                        })
                                                    }
                                                >
                                                    {t(p.retryMail)}
                                                </button>
                                            )}
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
