// What the order was before each edit, and what each edit changed.
import { useState } from "react";
import { call } from "../../api/client";
import type { FieldChange, Order } from "../../api/schema.gen";
import { asIs, t, type Phrase } from "../../i18n";
import { useActorName } from "../../ui/actors";
import { Loaded, Money, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { p } from "./words";

const KINDS: Record<string, Phrase> = { placed: p.versionPlaced, edited: p.versionEdited, changed_by_channel: p.versionChannel };
export function VersionsPanel({ order }: { order: Order }) {
    const [isOpen, setOpen] = useState(false);
    const versions = useResource(isOpen ? `versions/${order.id}/${order.version}` : null, (signal) => call("GET /v1/orders/{id}/versions", { id: order.id, limit: 100 }, { signal }));
    const nameOf = useActorName();
    return (
        <Panel
            title={t(p.versions)}
            aside={
                !isOpen && (
                    <button type="button" className="quiet" onClick={() => setOpen(true)}>
                        {t(p.showVersions)}
                    </button>
                )
            }
        >
            {isOpen && (
                <Loaded from={versions} rows={3}>
                    {({ data }) => (
                        <table className="grid">
                            <tbody>
                                {data.map((one) => (
                                    <tr key={one.version}>
                                        <td className="num">{one.version}</td>
                                        <td>
                                            {t(KINDS[one.kind ?? ""] ?? asIs(one.kind ?? ""))} · {nameOf(one.actor)} · <Time at={one.made_at} />
                                            {one.reason && <small>{one.reason}</small>}
                                            {one.changes.map((change) => (
                                                <Change key={change.field} change={change} />
                                            ))}
                                        </td>
                                        <td className="num">
                                            <Money of={one.total} bare />
                                        </td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    )}
                </Loaded>
            )}
        </Panel>
    );
}
function Change({ change }: { change: FieldChange }) {
    const name = change.field?.split(".").pop() ?? "";
    return (
        <small>
            {change.label ? `${change.label} ${name}` : name}: {change.before && <s>{change.before}</s>} {change.after}
        </small>
    );
}
