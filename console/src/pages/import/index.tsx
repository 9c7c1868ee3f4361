// One import: how far it has come, what is wrong with which row, and the button that places the orders.
import { Button } from "@mantine/core";
import { useEffect } from "react";
import { call } from "../../api/client";
import type { Import } from "../../api/schema.gen";
import { can } from "../../api/session";
import { number, t } from "../../i18n";
import { act } from "../../ui/action";
import { Facts, Loaded, Panel, Time } from "../../ui/parts";
import { useResource } from "../../ui/resource";
import { Link } from "../../ui/router";
import { Status } from "../../ui/Status";
import { w } from "../../ui/words";
import { errorPolicies, formats, p, statuses, stockPolicies } from "../imports/words";

const LOOK_AGAIN_MS = 1000;
const MOST_ERRORS = 200;

export default function ImportPage({ params }: { params: Record<string, string> }) {
    const id = params.id ?? "";
    const found = useResource(`import/${id}`, (signal) => call("GET /v1/imports/{id}", { id }, { signal }));
    const isMoving = found.data?.status === "checking" || found.data?.status === "running";
    const reload = found.reload;
    useEffect(() => {
        if (!isMoving) return;
        const timer = setInterval(reload, LOOK_AGAIN_MS);
        return () => clearInterval(timer);
    }, [isMoving, reload]);
    return (
        <div className="page narrow">
            <Link href="/settings/imports">← {t(p.all)}</Link>
            <Loaded from={found}>{(one) => <Whole one={one} put={found.put} />}</Loaded>
        </div>
    );
}

function Whole({ one, put }: { one: Import; put: (after: Import) => void }) {
    const mayWrite = can("orders:write");
    const isOpen = one.status !== "done" && one.status !== "cancelled";
    return (
        <>
            <h1>
                {one.name || one.id} <Status of={statuses} is={one.status} />
            </h1>
            <Panel
                title={t(w.details)}
                aside={
                    mayWrite &&
                    isOpen && (
                        <>
                            {one.status === "checked" && <Button onClick={() => run(one, put)}>{t(p.run)}</Button>}{" "}
                            <Button variant="default" onClick={() => stop(one, put)}>
                                {t(p.stop)}
                            </Button>
                        </>
                    )
                }
            >
                <Facts
                    rows={[
                        [t(p.rows), number(one.rows ?? 0)],
                        [t(p.orders), number(one.orders ?? 0)],
                        [t(p.failed), number(one.failed ?? 0)],
                        [t(p.known), number(one.known ?? 0)],
                        [t(p.placed), number(one.placed ?? 0)],
                        [t(p.format), one.format && t(formats[one.format])],
                        [t(p.errors), one.error_policy && t(errorPolicies[one.error_policy])],
                        [t(p.stock), one.stock_policy && t(stockPolicies[one.stock_policy])],
                        [t(w.created), <Time key="created" at={one.created_at} />],
                    ]}
                />
                {(one.status === "checking" || one.status === "running") && <p className="fine">{t(p.running)}</p>}
            </Panel>
            <Errors key={`${one.status}/${one.failed}`} id={one.id} />
        </>
    );
}
function Errors({ id }: { id: string }) {
    const found = useResource(`import/${id}/errors`, (signal) => call("GET /v1/imports/{id}/errors", { id, limit: MOST_ERRORS }, { signal }));
    return (
        <Panel title={t(p.errorsTitle)}>
            <Loaded from={found} rows={2}>
                {({ data, next_cursor }) =>
                    data.length === 0 ? (
                        <p className="fine">{t(p.errorsNone)}</p>
                    ) : (
                        <>
                            <table className="grid">
                                <thead>
                                    <tr>
                                        <th scope="col">{t(p.row)}</th>
                                        <th scope="col">{t(p.external)}</th>
                                        <th scope="col">{t(p.field)}</th>
                                        <th scope="col">{t(p.why)}</th>
                                    </tr>
                                </thead>
                                <tbody>
                                    {data.map((error, i) => (
                                        <tr key={i}>
                                            <td className="num">{number(error.row ?? 0)}</td>
                                            <td>{error.external_id}</td>
                                            <td>{error.field && <code>{error.field}</code>}</td>
                                            <td>{error.message}</td>
                                        </tr>
                                    ))}
                                </tbody>
                            </table>
                            {next_cursor && <p className="fine">{t(p.moreErrors, { count: data.length })}</p>}
                        </>
                    )
                }
            </Loaded>
        </Panel>
    );
}
function run(one: Import, put: (after: Import) => void) {
    const failed = one.failed ?? 0, known = one.known ?? 0;
    act({
        title: t(p.runTitle, { name: one.name ?? "" }),
        preview: <p>{t(p.runPreview, { count: (one.orders ?? 0) - failed - known, known, failed })}</p>,
        verb: t(p.run),
        run: async (_, key) => {
            put(await call("POST /v1/imports/{id}/run", { id: one.id }, { key }));
            return t(p.running);
        },
    });
}
function stop(one: Import, put: (after: Import) => void) {
    act({
        title: t(p.stopTitle, { name: one.name ?? "" }),
        preview: <p>{t(p.stopPreview)}</p>,
        verb: t(p.stop),
        isGrave: true,
        run: async () => {
            put(await call("POST /v1/imports/{id}/cancel", { id: one.id }));
            return t(p.stopped);
        },
    });
}
