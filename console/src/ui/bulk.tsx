// One action on many rows: what will be skipped and why, progress, then a result for each, of which the refused can
// be selected again. Each row is a request of its own with its own key, so that pressing again repeats nothing.
import { lazy, Suspense } from "react";
import { newKey } from "../api/client";
import type { Phrase } from "../i18n";
import type { Field, Values } from "./action";
import { useLayer } from "./commands";
import { store, useStore } from "./store";

const Dialog = lazy(() => import("./bulk-dialog"));

export interface Bulk<Row> {
    title: string;
    verb: string;
    about?: string;
    isGrave?: boolean;
    fields?: readonly Field[];
    rows: readonly Row[];
    nameOf: (row: Row) => string;
    /** Why a row is left out; null when it is not. */
    cannot: (row: Row) => Phrase | null;
    run: (row: Row, values: Values, key: string) => Promise<unknown>;
    select: (rows: readonly Row[]) => void;
}
const current = store<{ id: string; bulk: Bulk<unknown> } | null>(null);
const close = () => current.set(null);
export function inBulk<Row>(bulk: Bulk<Row>) {
    current.set({ id: newKey(), bulk: bulk as unknown as Bulk<unknown> });
}
export function BulkHost() {
    const open = useStore(current);
    useLayer(open !== null);
    return (
        open && (
            <Suspense>
                <Dialog key={open.id} bulk={open.bulk} close={close} />
            </Suspense>
        )
    );
}
