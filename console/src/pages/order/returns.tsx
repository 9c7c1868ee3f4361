import { call } from "../../api/client";
import type { Order } from "../../api/schema.gen";
import { asIs, t } from "../../i18n";
import { act } from "../../ui/action";
import { Loaded, Money, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link } from "../../ui/router";
import { returnOrderWords, Status } from "../../ui/Status";
import { w } from "../../ui/words";
import { p } from "./words";

export const REASONS = ["size_too_small", "size_too_large", "defective", "not_as_described", "wrong_item", "changed_mind", "other"] as const;

export function requestReturn(order: Order, changed: () => void) {
    const lines = order.lines.filter((line) => line.fulfilled > line.returned);
    const left = lines.reduce((sum, line) => sum + line.fulfilled - line.returned, 0);
    act({
        title: `${t(p.requestReturn)} · ${order.number}`,
        preview: <p>{t(p.returnPreview, { units: left })}</p>,
        fields: [
            ...lines.map((line) => ({ name: line.id, label: asIs(`${line.name ?? line.sku} (${line.sku ?? ""})`), kind: "number" as const, initial: lines.length === 1 ? "1" : "0", suffix: `/ ${line.fulfilled - line.returned}` })),
            { name: "reason", label: p.returnReason, kind: "choice" as const, choices: REASONS.map((value) => ({ value, label: p[value] })) },
            { name: "note", label: w.note, isOptional: true },
        ],
        verb: t(p.requestReturn),
        run: async (values, key) => {
            const made = await call(
                "POST /v1/returns",
                {
                    order: order.id,
                    note: values.note || undefined,
                    lines: lines.filter((line) => Number(values[line.id]) > 0).map((line) => ({ order_line_id: line.id, sku: line.sku ?? "", quantity: Number(values[line.id]), reason: values.reason })),
                },
                { key },
            );
            changed();
            return t(p.returnDone, { number: made.number });
        },
    });
}
export function ReturnsPanel({ order }: { order: Order }) {
    const returns = useResource(`returns/${order.id}/${order.version}`, (signal) => call("GET /v1/returns", { order: order.id }, { signal }));
    return (
        <Panel title={t(p.returns)}>
            <Loaded from={returns} rows={2}>
                {({ data }) =>
                    data.length === 0 ? (
                        <p className="empty-line">{t(p.noReturns)}</p>
                    ) : (
                        <table className="grid">
                            <tbody>
                                {data.map((one) => (
                                    <tr key={one.id}>
                                        <td>
                                            <Link href={`/returns/${one.number}`}>{one.number}</Link>
                                        </td>
                                        <td>{one.lines.map((line) => `${line.name ?? line.sku} ×${line.requested}`).join(", ")}</td>
                                        <td>
                                            <Status of={returnOrderWords} is={one.status} />
                                        </td>
                                        <td>
                                            <Time at={one.requested_at} />
                                        </td>
                                        <td className="num">
                                            <Money of={one.refund_due} bare />
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
