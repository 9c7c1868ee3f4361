import { call } from "../../api/client";
import type { Order } from "../../api/schema.gen";
import { asIs, t } from "../../i18n";
import { Loaded, Panel } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { p } from "./words";

export function SourcingPanel({ order }: { order: Order }) {
    const sourcing = useResource(`sourcing/${order.id}/${order.version}`, (signal) => call("GET /v1/orders/{order}/sourcing", { order: order.id }, { signal }));
    return (
        <Panel title={t(p.sourcing)}>
            <Loaded from={sourcing} rows={2}>
                {({ data }) =>
                    data.length === 0 ? (
                        <p className="empty-line">{t(p.noSourcing)}</p>
                    ) : (
                        <>
                            {data.map((decision) => (
                                <div key={decision.id}>
                                    <p className="empty-line">{t(p.sourcingRule, { rule: decision.rule ?? "", version: decision.rule_version, parcels: decision.parcels })}</p>
                                    <table className="grid">
                                        <thead>
                                            <tr>
                                                <th scope="col">{t(p.candidate)}</th>
                                                <th scope="col">{t(p.verdict)}</th>
                                                <th scope="col" className="num">
                                                    {t(p.fillable)}
                                                </th>
                                            </tr>
                                        </thead>
                                        <tbody>
                                            {decision.candidates.map((one) => (
                                                <tr key={one.location}>
                                                    <td>{one.location}</td>
                                                    <td>{t(one.verdict && one.verdict in p ? p[one.verdict as "chosen"] : asIs(one.verdict ?? ""))}</td>
                                                    <td className="num">{one.lines_fillable}</td>
                                                </tr>
                                            ))}
                                        </tbody>
                                    </table>
                                </div>
                            ))}
                        </>
                    )
                }
            </Loaded>
        </Panel>
    );
}
