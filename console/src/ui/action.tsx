// One dialog for every action: it says what will happen before, asks for what it needs, does it once however often
// the button is pressed, and says what happened after. Ctrl-Enter does it, Escape leaves.
import { lazy, Suspense, type ReactNode } from "react";
import { newKey } from "../api/client";
import type { Phrase } from "../i18n";
import { useLayer } from "./commands";
import { store, useStore } from "./store";

// Dialogs are fetched right after the first page and not with it.
const Dialog = lazy(() => import("./action-dialog"));

export interface Field {
    name: string;
    label: Phrase;
    kind?: "text" | "long" | "choice" | "many" | "switch" | "number" | "moment" | "secret" | "email";
    /** Of choice one is taken; of many any number, joined by commas. */
    choices?: readonly { value: string; label: Phrase }[];
    initial?: string;
    isOptional?: boolean;
    hint?: Phrase;
    suffix?: string;
}
export type Values = Record<string, string>;
export interface Action {
    title: string;
    /** What will happen, in a sentence with the figures; it may depend on what was entered. */
    preview: ReactNode | ((values: Values) => ReactNode);
    fields?: readonly Field[];
    /** The word on the button. */
    verb: string;
    isGrave?: boolean;
    /** Does it; the key is the same for every try. What it returns is said at the edge of the screen. */
    run: (values: Values, key: string) => Promise<string | { text: string; undo?: () => void } | void>;
    size?: string;
}
const current = store<{ action: Action; key: string } | null>(null);
export function act(action: Action) {
    current.set({ action, key: newKey() });
}

const closeAction = () => current.set(null);

export function ActionHost() {
    const open = useStore(current);
    useLayer(open !== null);
    return (
        open && (
            <Suspense>
                <Dialog key={open.key} action={open.action} attempt={open.key} close={closeAction} />
            </Suspense>
        )
    );
}
