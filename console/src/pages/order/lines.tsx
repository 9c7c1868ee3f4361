import { call } from "../../api/client";
import type { Order, OrderLine } from "../../api/schema.gen";
import { can } from "../../api/session";
import { number, t, type Phrase } from "../../i18n";
import { isZero, Money, Panel } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Badge, type Tone } from "../../ui/Status";
import { openOf } from "../orders/facts";
import { p } from "./words";

/** A line's quantity by state, in the order in which units pass through them. */
const STATES: readonly (readonly [keyof OrderLine & ("unallocated" | "backordered" | "preordered" | "reserved" | "picked" | "packed" | "fulfilled" | "cancelled" | "returned"), Tone, Phrase])[] = [
    ["unallocated", "problem", p.unallocated], ["backordered", "waiting", p.backordered], ["preordered", "waiting", p.preordered],
    ["reserved", "neutral", p.reserved], ["picked", "active", p.picked], ["packed", "active", p.packed], ["fulfilled", "moving", p.fulfilled],
    ["cancelled", "ended", p.cancelled], ["returned", "ended", p.returned],
];

export function Lines({ order }: { order: Order }) {
    // Stock matters while something is still to ship.
    const skus = openOf(order) > 0 && can("stock:read") ? [...new Set(order.lines.filter((line) => line.open > 0 && !line.is_custom && line.sku).map((line) => line.sku as string))].slice(0, 20) : [];
    const stock = useResource(skus.length > 0 ? `stock/${skus.join()}/${order.version}` : null, async (signal) => {
        const levels = await Promise.all(skus.map((sku) => call("GET /v1/levels", { sku }, { signal })));
        return new Map(skus.map((sku, i) => [sku, (levels[i]?.data ?? []).reduce((sum, level) => sum + level.available, 0)]));
    });
    const hasDiscount = order.lines.some((line) => !isZero(line.discount));
    return (
        <Panel title={`${t(p.lines)} · ${order.currency}`}>
            <div className="scroll-x" tabIndex={0} role="region" aria-label={t(p.lines)}>
                <table className="grid">
                    <thead>
                        <tr>
                            <th scope="col">{t(p.item)}</th>
                            <th scope="col">{t(p.state)}</th>
                            {skus.length > 0 && (
                                <th scope="col" className="num">
                                    {t(p.stock)}
                                </th>
                            )}
                            <th scope="col" className="num">
                                {t(p.price)}
                            </th>
                            <th scope="col" className="num">
                                {t(p.units)}
                            </th>
                            {hasDiscount && (
                                <th scope="col" className="num">
                                    {t(p.discount)}
                                </th>
                            )}
                            <th scope="col" className="num">
                                {t(p.lineTotal)}
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {order.lines.map((line) => (
                            <tr key={line.id} className={line.cancelled === line.quantity ? "over" : undefined}>
                                <td>
                                    {line.name ?? line.sku}
                                    <small>
                                        {line.sku}
                                        {line.is_custom && ` ${t(p.custom)}`}
                                    </small>
                                </td>
                                <td>
                                    <span className="badges">
                                        {STATES.map(
                                            ([name, tone, phrase]) =>
                                                line[name] > 0 && (
                                                    <Badge key={name} tone={tone}>
                                                        {number(line[name])} {t(phrase)}
                                                    </Badge>
                                                ),
                                        )}
                                    </span>
                                </td>
                                {skus.length > 0 && (
                                    <td className="num" title={line.sku ? t(p.stockWhy, { sku: line.sku }) : undefined}>
                                        {line.sku && line.open > 0 ? (stock.data?.has(line.sku) ? number(stock.data.get(line.sku) ?? 0) : stock.problem ? "?" : "…") : ""}
                                    </td>
                                )}
                                <td className="num">
                                    <Money of={line.unit_price} bare />
                                </td>
                                <td className="num">{number(line.quantity)}</td>
                                {hasDiscount && <td className="num">{isZero(line.discount) ? "" : <>−<Money of={line.discount} bare /></>}</td>}
                                <td className="num">
                                    <Money of={line.total} bare />
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Panel>
    );
}
