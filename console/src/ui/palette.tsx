// Ctrl-K: every page and action by name, in either language; and ?: the keys of the page that is shown.
import { lazy, Suspense } from "react";
import { commands, useCommands, useLayer } from "./commands";
import { store, useStore } from "./store";
import { w } from "./words";

const Palette = lazy(() => import("./palette-dialog").then((made) => ({ default: made.Palette })));
const KeyList = lazy(() => import("./palette-dialog").then((made) => ({ default: made.KeyList })));
const shown = store<"palette" | "keys" | null>(null);
export const openPalette = () => shown.set("palette");
const close = () => shown.set(null);

export function PaletteHost() {
    const open = useStore(shown);
    const offered = useStore(commands);
    useLayer(open !== null);
    useCommands([
        { label: w.palette, keys: "Mod+k", run: openPalette, always: true, keyOnly: true },
        { label: w.keys, keys: "?", run: () => shown.set("keys") },
    ]);
    return (
        <Suspense>
            {open === "palette" && <Palette offered={offered} close={close} />}
            {open === "keys" && <KeyList offered={offered} close={close} />}
        </Suspense>
    );
}
