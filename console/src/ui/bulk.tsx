// One action on many orders, done by the server: what it would do and what it would skip and why, progress, then a
// result for each order, of which the refused can be worked on again. It goes on if this page is closed.
import { lazy, Suspense } from "react";
import { newKey, type Input } from "../api/client";
import type { BulkAction, BulkParameters, BulkSelection } from "../api/schema.gen";
import type { Field, Values } from "./action";
import { useLayer } from "./commands";
import { store, useStore } from "./store";

const Dialog = lazy(() => import("./bulk-dialog"));

export interface Bulk {
    title: string;
    verb: string;
    about?: string;
    isGrave?: boolean;
    action: BulkAction;
    selection: Input<BulkSelection>;
    fields?: readonly Field[];
    parameters?: (values: Values) => Input<BulkParameters>;
    /** The orders that were refused, to be selected. */
    refused: (ids: readonly string[]) => void;
}
const current = store<{ key: string; bulk: Bulk } | null>(null);
const close = () => current.set(null);
export function inBulk(bulk: Bulk) {
    current.set({ key: newKey(), bulk });
}
export function BulkHost() {
    const open = useStore(current);
    useLayer(open !== null);
    return (
        open && (
            <Suspense>
                <Dialog key={open.key} attempt={open.key} bulk={open.bulk} close={close} />
            </Suspense>
        )
    );
}
