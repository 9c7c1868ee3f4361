// What the warehouse has to do for the order, and the three steps of doing it, with the carrier entered by hand.
import { Button } from "@mantine/core";
import { call } from "../../api/client";
import type { FulfillmentOrder, Order } from "../../api/schema.gen";
import { can } from "../../api/session";
import { t } from "../../i18n";
import { act } from "../../ui/action";
import { Loaded, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { parcelWords, Status, workWords } from "../../ui/Status";
import { keptStore } from "../../ui/store";
import { w } from "../../ui/words";
import { p } from "./words";

const lastCarrier = keptStore("carrier", "");
type Count = "allocated" | "picked" | "packed" | "shipped";
const sum = (work: FulfillmentOrder, name: Count) => work.lines.reduce((total, line) => total + line[name] - (name === "allocated" ? line.cancelled : 0), 0);
const isOpen = (work: FulfillmentOrder) => !["scheduled", "on_hold", "shipped", "closed", "cancelled", "rejected", "collected"].includes(work.status ?? "");

export function pickWork(work: FulfillmentOrder, changed: () => void) {
    const location = work.location ?? "";
    act({
        title: `${t(p.pick)} · ${work.order_number}`,
        preview: <p>{t(p.pickPreview, { units: sum(work, "allocated") - sum(work, "picked"), location })}</p>,
        verb: t(p.pick),
        run: async (_, key) => {
            await call("POST /v1/fulfillments/{id}/pick", { id: work.id }, { key });
            changed();
            return t(p.pickDone, { location });
        },
    });
}
export function packWork(work: FulfillmentOrder, changed: () => void) {
    const location = work.location ?? "";
    act({
        title: `${t(p.pack)} · ${work.order_number}`,
        preview: <p>{t(p.packPreview, { units: sum(work, "allocated") - sum(work, "packed"), location })}</p>,
        verb: t(p.pack),
        run: async (_, key) => {
            await call("POST /v1/fulfillments/{id}/pack", { id: work.id }, { key });
            changed();
            return t(p.packDone, { location });
        },
    });
}
export function shipWork(work: FulfillmentOrder, changed: () => void) {
    const location = work.location ?? "";
    act({
        title: `${t(p.ship)} · ${work.order_number}`,
        preview: <p>{t(p.shipPreview, { units: sum(work, "allocated") - sum(work, "shipped"), location })}</p>,
        fields: [
            { name: "carrier", label: p.carrier, initial: lastCarrier.get(), hint: p.carrierHint },
            { name: "tracking", label: p.tracking },
        ],
        verb: t(p.ship),
        run: async (values, key) => {
            const carrier = values.carrier ?? "", tracking = values.tracking ?? "";
            await call("POST /v1/fulfillments/{id}/ship", { id: work.id, carrier, tracking_number: tracking }, { key });
            lastCarrier.set(carrier);
            changed();
            return t(p.shipDone, { carrier, tracking });
        },
    });
}
function deliver(work: FulfillmentOrder, parcel: string, tracking: string, changed: () => void) {
    act({
        title: `${t(p.deliver)} · ${work.order_number}`,
        preview: <p>{t(p.deliverPreview, { tracking })}</p>,
        verb: t(p.deliver),
        run: async (_, key) => {
            await call("POST /v1/fulfillments/{id}/parcels/{parcel_id}/deliver", { id: work.id, parcel_id: parcel }, { key });
            changed();
            return t(p.deliverDone);
        },
    });
}
function giveBack(work: FulfillmentOrder, changed: () => void) {
    act({
        title: `${t(p.giveBack)} · ${work.order_number}`,
        preview: <p>{t(p.giveBackPreview)}</p>,
        fields: [{ name: "reason", label: w.reason }],
        verb: t(p.giveBack),
        isGrave: true,
        run: async (values, key) => {
            await call("POST /v1/fulfillments/{id}/cancel", { id: work.id, reason: values.reason }, { key });
            changed();
            return t(p.giveBackDone);
        },
    });
}

/** The step that a piece of work wants next. */
export function WorkButtons({ work, changed, all = true }: { work: FulfillmentOrder; changed: () => void; all?: boolean }) {
    if (!can("fulfillment:write") || !isOpen(work)) return null;
    const allocated = sum(work, "allocated");
    const steps = [
        sum(work, "picked") < allocated && ([p.pick, pickWork] as const),
        sum(work, "packed") < allocated && ([p.pack, packWork] as const),
        sum(work, "shipped") < allocated && ([p.ship, shipWork] as const),
    ].filter((step) => step !== false);
    return (
        <>
            {steps.slice(0, all ? undefined : 1).map(([phrase, run], i) => (
                <Button key={phrase[0]} size="compact-xs" variant={i === 0 ? "light" : "default"} onClick={() => run(work, changed)}>
                    {t(phrase)}
                </Button>
            ))}
            {all && sum(work, "shipped") === 0 && (
                <button type="button" className="quiet" onClick={() => giveBack(work, changed)}>
                    {t(p.giveBack)}
                </button>
            )}
        </>
    );
}

export function WorkPanel({ order, changed }: { order: Order; changed: () => void }) {
    const work = useResource(`work/${order.id}/${order.version}`, (signal) => call("GET /v1/fulfillments", { order: order.id, limit: 50 }, { signal }));
    // The order follows its work by an event, a moment later.
    const both = () => {
        for (const wait of [0, 500, 2000])
            setTimeout(() => {
                work.reload();
                changed();
            }, wait);
    };
    return (
        <Panel title={t(p.work)}>
            <Loaded from={work} rows={3}>
                {({ data }) => (data.length === 0 ? <p className="empty-line">{t(p.noWork)}</p> : data.map((one) => <One key={one.id} work={one} changed={both} />))}
            </Loaded>
        </Panel>
    );
}
function One({ work, changed }: { work: FulfillmentOrder; changed: () => void }) {
    return (
        <section className="work" aria-label={`${work.location}`}>
            <header>
                <b>{work.location}</b> <Status of={workWords} is={work.status} />
                <span className="grow" />
                <WorkButtons work={work} changed={changed} />
            </header>
            <table className="grid">
                <thead>
                    <tr>
                        <th scope="col">{t(p.item)}</th>
                        <th scope="col" className="num">{t(p.allocated)}</th>
                        <th scope="col" className="num">{t(p.picked)}</th>
                        <th scope="col" className="num">{t(p.packed)}</th>
                        <th scope="col" className="num">{t(p.shipped)}</th>
                    </tr>
                </thead>
                <tbody>
                    {work.lines.map((line) => (
                        <tr key={line.id}>
                            <td>
                                {line.name} <small>{line.sku}</small>
                            </td>
                            <td className="num">{line.allocated - line.cancelled}</td>
                            <td className="num">{line.picked}</td>
                            <td className="num">{line.packed}</td>
                            <td className="num">{line.shipped}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
            {work.parcels.map((parcel) => (
                <p key={parcel.id} className="parcel">
                    <Status of={parcelWords} is={parcel.status} />
                    <span>
                        {parcel.carrier} <b>{parcel.tracking_number}</b>
                    </span>
                    <span className="fine">
                        {t(p.shipped)} <Time at={parcel.shipped_at} />
                    </span>
                    <span className="grow" />
                    {can("fulfillment:write") && !parcel.delivered_at && parcel.status !== "voided" && (
                        <button type="button" className="quiet" onClick={() => deliver(work, parcel.id, parcel.tracking_number ?? "", changed)}>
                            {t(p.deliver)}
                        </button>
                    )}
                </p>
            ))}
        </section>
    );
}
