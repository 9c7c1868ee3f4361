import type { Order } from "../../api/schema.gen";
import { t, words } from "../../i18n";
import { Money, Panel } from "../../ui/parts";
import { Link } from "../../ui/router";
import { orderWords, Status } from "../../ui/Status";

const s = words({ family: ["Split from one order", "同一訂單拆分"] });

/** The orders that were one: each with what it costs now. */
export function FamilyPanel({ order }: { order: Order }) {
    const members = order.family?.members ?? [];
    if (members.length < 2) return null;
    return (
        <Panel title={t(s.family)}>
            <table className="grid">
                <tbody>
                    {members.map((one) => (
                        <tr key={one.order_id}>
                            <td>{one.number === order.number ? <b>{one.number}</b> : <Link href={`/orders/${one.number}`}>{one.number}</Link>}</td>
                            <td>
                                <Status of={orderWords} is={one.status} />
                            </td>
                            <td className="num">
                                <Money of={one.total} bare />
                            </td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </Panel>
    );
}
